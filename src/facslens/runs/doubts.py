"""What a reader of an audit must know first, in sentences."""

from facslens.artifacts import Json, read_json
from facslens.runs.record import RunRecord


def doubts(record: RunRecord) -> tuple[str, ...]:
    """Say what speaks against the result of an audit; nothing for any other run.

    That faces are recognised no better than by guessing, that too few drawn people are measured for
    any verdict, and that there is no untrained network to compare with.
    """
    if not record.run.is_audit or not record.has("network.json"):
        return ()
    found = []
    if record.has("accuracy.json"):
        found.append(of_recognition(read_json(record.path("accuracy.json"))))
    if not record.opened["can_decide"]:
        measuring = record.opened["people"]["measuring"]
        found.append(
            f"Units are measured on {measuring} drawn people only: so few cannot show that an "
            f"action unit is caused, even where all of them agree. Show more people."
        )
    if not record.opened["has_untrained"]:
        found.append(
            "The weights of this network cannot be drawn anew, so that there is no untrained "
            "network to compare it with: what its units detect may be due to the architecture "
            "alone, and no action unit is called caused."
        )
    return tuple(filter(None, found))


def of_recognition(accuracy: Json) -> str:
    """Say whether expressions are recognised no better than by guessing; empty if they are.

    Parameters
    ----------
    accuracy
        ``accuracy.json``.
    """
    if accuracy["beyond_chance"] is not False:
        return ""
    recall = accuracy["recall"]
    value, low, high, chance = (
        f"{100 * share:.0f}"
        for share in (recall["value"], recall["low"], recall["high"], accuracy["chance"])
    )
    return (
        f"The network recognises the expressions of these faces no better than guessing: its mean "
        f"recall over {accuracy['classes']} expressions is {value} % (95 % interval over "
        f"{accuracy['groups']} {accuracy['grouped_by']} {low} to {high} %), and guessing reaches "
        f"{chance} %. Probably the preprocessing is not the network's own, or its expressions are "
        f"in another order."
    )
