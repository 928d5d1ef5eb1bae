"""`python -m convc` is `convc`."""

from convc.cli.main import main

main()
