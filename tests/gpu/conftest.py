"""What only a CUDA device can show. Where there is none, this folder is not collected at all.

`tests/training/test_torch_device.py` tests all but the capture of graphs on the processor.
"""

from needs import has_cuda

collect_ignore_glob = [] if has_cuda() else ["test_*.py"]
