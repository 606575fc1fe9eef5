"""One experiment carried out in one folder."""
