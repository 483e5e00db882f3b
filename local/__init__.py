"""Running the provider on this machine: the commands ./demo and ./test, and what they are made of.

The files, in reading order; imports go upwards only:

    progress.py   what a person sees while something takes its time
    tools.py      the pinned Python packages, in environments of their own
    cloud.py      ministack, started and ended
    deploy.py     the commands that a user gives on a real account
    show.py       what was made, as a person would want to see it
    demo.py       ./demo: the story
    checks.py     ./test: every check, one after the other

tests/e2e/ uses cloud.py and deploy.py as well.
"""
