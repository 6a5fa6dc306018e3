"""Pictures that come into a folder are made larger, and go on into another one."""
