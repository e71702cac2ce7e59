"""`files`: from a file on the disk to readings, per format, beside the quickest library that reads it unchecked.

Lineside does more for its figure: encoding, form and header are found out, each cell and time is checked by the
rules of the intake, what is refused is kept with its row, and duplicates are found.
"""

from measuring.works import Subject, Work

_SUBJECTS = (Subject(name="lineside", module="files_lineside"), Subject(name="limit", module="files_bare"))
_PANDAS = Subject(name="pandas", module="files_pandas", environment="dataframes")

WORKS = [
    Work(
        name=f"files {name}",
        unit="readings/s/core",
        better="higher",
        subjects=(*_SUBJECTS, _PANDAS) if file.endswith(".csv") else _SUBJECTS,
        parameters={"file": file, "readings": 250_000},
        setup="tables_files",
    )
    for name, file in (
        ("plain CSV", "plain.csv"),
        ("CSV with decimal commas in cp1252", "german.csv"),
        ("Parquet", "plain.parquet"),
        ("Excel", "plain.xlsx"),
        ("AQDEF", "plain.dfq"),
    )
]
