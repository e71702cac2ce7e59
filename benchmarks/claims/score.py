"""`score`: one part of 200 features judged by boosted trees (200 trees of up to 15 leaves), with its contributions."""

from measuring.works import Subject, Work

WORKS = [
    Work(
        name="score one part with contributions",
        unit="us CPU (p50)",
        better="lower",
        setup="trees",
        subjects=(
            Subject(name="lineside", module="score_lineside"),
            Subject(name="limit", module="score_onnxruntime"),
            Subject(name="lightgbm predict alone", module="score_lightgbm", environment="shap"),
            Subject(
                name="lightgbm pred_contrib", module="score_lightgbm", environment="shap", options={"explain": True}
            ),
            Subject(name="shap", module="score_shap", environment="shap"),
        ),
    )
]
