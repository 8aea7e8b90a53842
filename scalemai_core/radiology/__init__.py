"""What the free text of a radiology report states of lesions, and what it excludes for certain.

Exclusions delete masks, so they are not searched for but *proved*: a sentence excludes a lesion
only if every word of it belongs to a small vocabulary and their order to a small grammar. Any
other word (a hedge, a size, a typo, another language, an instruction to a machine) leaves the
sentence unread, and an unread sentence about an organ forbids every deletion there. Whatever sounds
like a lesion is looked for with the opposite prejudice, typos included.

Scope taggers of the NegEx and ConText family (spaCy with negspaCy was tried) do it the other way
round: whatever no trigger catches keeps its reading. Of fourteen probes five true lesions came out
negated (``no doubt that there is a mass``, ``no evidence of obstruction from the mass``,
``no new``, ``no other``, ``no longer``); every such phrase would have to be known beforehand. It
also costs a second to start and sixteen packages. Hence ``re`` and tables.
"""
