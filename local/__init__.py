"""Running the provider on this machine: the commands ./demo, ./test and ./release, and what they are made of.

The files, in reading order; imports go upwards only:

    progress.py       what a person sees while something takes its time
    tools.py          the pinned Python packages, in environments of their own
    cloud.py          ministack, started and ended
    deploy.py         the commands that a user gives on a real account
    cdk.py            the CDK example: its types checked, its template synthesised
    show.py           what was made, as a person would want to see it
    claims.py         what ./demo claims, and checks as it shows it
    quickly.py        what ./demo builds, without optimisation
    mishaps.py        ./demo: the part where things go wrong
    demo.py           ./demo: the story
    dependencies.py   the dependency graph, checked against deny.toml
    intrinsics.py     a template's intrinsic functions, evaluated
    policies.py       every IAM policy, checked by parliament
    links.py          whether links and citations lead somewhere, and phrases that nothing may have
    crates.py         the crates that a program is made of
    archive.py        a zip for Lambda, always of the same bytes
    packaged.py       template.yml for those who have a zip and no compiler
    sbom.py           what a program is made of, as a CycloneDX document
    notices.py        the licences of other people's crates
    release.py        ./release: all of that, in dist/
    checks.py         ./test: every check, one after the other

tests/e2e/ uses cloud.py and deploy.py as well.
"""
