"""The list of cases: cases.tsv, and whether every recorded subject has one."""
from dataclasses import dataclass
from fnmatch import fnmatchcase

from .deps import HERE

CLIENTS = ("java", "go", "node", "mqadmin", "probe", "ours")


@dataclass
class Case:
    name: str
    client: str
    modes: list
    stands_for: list
    state: str
    unfit: list        # CLIENT@BROKER: releases of Apache's that do not fit each other here

    @property
    def pending(self):
        return self.state.startswith("pending")

    @property
    def runs(self):
        """False: named only, nothing to run yet."""
        return self.modes != ["none"]


def load():
    """Every case; raises ValueError with line number for a row that is not one."""
    cases, seen = [], set()
    for number, line in enumerate((HERE / "cases.tsv").read_text().splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        fields = line.split("\t")
        where = f"cases.tsv line {number}"
        if len(fields) != 6:
            raise ValueError(f"{where}: {len(fields)} fields where 6 were expected")
        case = Case(fields[0], fields[1], fields[2].split(","), fields[3].split(), fields[4], fields[5].split())
        if case.client not in CLIENTS:
            raise ValueError(f"{where}: client '{case.client}', expected one of {', '.join(CLIENTS)}")
        if case.state != "expected" and not case.state.startswith("pending: "):
            raise ValueError(f"{where}: state '{case.state}', expected 'expected' or 'pending: WHAT'")
        if (case.client, case.name) in seen:
            raise ValueError(f"{where}: case {case.client} {case.name} twice")
        seen.add((case.client, case.name))
        cases.append(case)
    return cases


def uncovered(cases):
    """Subjects without a row, and patterns of rows that match no subject ('-' stands for nothing recorded)."""
    subjects = (HERE / "subjects.txt").read_text().split()
    patterns = {p for case in cases for p in case.stands_for if p != "-"}
    return ([s for s in subjects if not any(fnmatchcase(s, p) for p in patterns)],
            sorted(p for p in patterns if not any(fnmatchcase(s, p) for s in subjects)))
