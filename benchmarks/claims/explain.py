"""`explain`: the exact shares of one part, by 300 trees of 31 leaves over 200 features."""

from measuring.works import Subject, Work

WORKS = [
    Work(
        name="explain one part exactly",
        unit="us CPU (p50)",
        better="lower",
        setup="forest",
        subjects=(
            Subject(name="lineside", module="explain_lineside"),
            Subject(name="lightgbm pred_contrib", module="explain_lightgbm"),
            Subject(name="shap", module="explain_shap", environment="shap"),
        ),
    )
]
