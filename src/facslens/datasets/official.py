"""Hold a dataset against what its makers say that it contains."""

from facslens.datasets.base import Faces
from facslens.datasets.defects import Defect
from facslens.datasets.layout import Official


def differences(faces: Faces, official: Official) -> list[Defect]:
    """Count what is missing and what is too much: images, subjects, sequences, expressions.

    One warning for each: many people have a part of a dataset, and know it. Where no subject,
    sequence or expression is known at all, others say so.
    """
    table, source = faces.table, official.source
    found = []
    for what, stated, here in (
        ("images", official.images, len(faces)),
        ("subjects", official.subjects, int(table["subject"].nunique())),
        ("sequences", official.sequences, int(table["sequence"].nunique())),
    ):
        if stated is None or here in (0, stated):
            continue
        message = (
            f"of the {stated} {what} of the whole, {stated - here} are missing or left out "
            f"({source})"
            if here < stated
            else f"there are {here} {what}, {here - stated} more than in the whole ({source})"
        )
        found.append((what, message))
    counts = table["expression"].value_counts()
    stated_of = {**dict.fromkeys(faces.expressions, 0), **official.expressions}
    differ = [
        f"{expression} {int(counts.get(expression, 0))} of {stated}"
        for expression, stated in stated_of.items()
        if counts.get(expression, 0) != stated
    ]
    if differ and official.expressions and len(counts):
        message = f"images differ in number from the whole ({source}): {', '.join(differ)}"
        found.append(("expressions", message))
    return [
        Defect("not as published", what, f"{faces.name}: {message}", "warning")
        for what, message in found
    ]
