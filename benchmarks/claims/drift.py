"""`drift`: 5,000 parts of 200 features held against 50,000, and the running check that every part updates."""

from measuring.works import Subject, Work

WORKS = [
    Work(
        name="drift of 5,000 parts of 200 features against 50,000, KS and more",
        unit="s CPU",
        better="lower",
        setup="drift_arrays",
        compare="greatest",
        subjects=(
            Subject(name="lineside", module="drift_lineside"),
            Subject(name="limit", module="drift_limit"),
            Subject(name="scipy ks_2samp", module="drift_scipy", environment="alibi"),
            Subject(name="alibi-detect KSDrift", module="drift_alibi", environment="alibi"),
            Subject(
                name="nannyml KS fit and calculate",
                module="drift_nannyml",
                environment="nannyml",
                options={"peer": True},
            ),
            Subject(
                name="evidently DataDriftPreset (ks)",
                module="drift_evidently",
                environment="evidently",
                options={"peer": True},
            ),
        ),
    ),
    Work(
        name="drift running, one check of 200 features",
        unit="ms CPU",
        better="lower",
        setup="drift_arrays",
        subjects=(
            Subject(name="lineside", module="drift_lineside", options={"running": "check"}),
            Subject(name="limit", module="drift_limit", options={"running": "check"}),
        ),
    ),
    Work(
        name="drift running, one part of 200 features counted",
        unit="us CPU",
        better="lower",
        setup="drift_arrays",
        subjects=(
            Subject(name="lineside", module="drift_lineside", options={"running": "part"}),
            Subject(name="limit", module="drift_limit", options={"running": "part"}),
        ),
    ),
]
