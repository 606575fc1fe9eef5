"""What a YAML file may say, how it is read, and what is wrong with it in words.

``experiment`` is the whole of an experiment file, made of the sections in ``datasets`` (with
``holdouts`` and ``columns``), ``network``, ``optimizers``, ``training`` and ``tracking``, all upon
``section`` and ``bounds``. ``user_settings`` is what a person has settled for all of them.
``metrics`` lists what can be measured, and which way is better.
These models are the one source of validation, defaults, the JSON Schema and the reference.
``loading`` reads an experiment and lays settings upon it by ``key_paths``, ``yaml_files`` reads the
YAML, ``shipped`` finds the configs that come with the package, ``tables`` knows which files hold a
table, ``problems`` says what is wrong.
"""
