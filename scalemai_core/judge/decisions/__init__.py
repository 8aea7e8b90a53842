"""From appraisals to decisions: the table, the budget, the audit, and what came of them."""
