"""Why a network does not learn: findings, causes, and the diagnosis of hand-written programs."""
