"""How findings are shown: one module per kind of view, none of which knows how a finding was made."""
