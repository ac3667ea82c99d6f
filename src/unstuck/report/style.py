"""The style sheet of the HTML page and of the notebook view, light and dark."""

CSS = """
.unstuck { --bg:#ffffff; --card:#ffffff; --text:#1f2430; --dim:#5c6575; --rule:#dfe3ea; --code:#f6f7f9;
  --error:#c4202f; --error-bg:#fdebec; --warning:#8f5a00; --warning-bg:#fff3d9; --note:#0b62a8; --note-bg:#e6f2fc;
  --good:#17733a; --good-bg:#e3f5e9; --undecided:#7a3ea8; --undecided-bg:#f3eafa; --symptom:#2458c5;
  --keyword:#8a2fa6; --string:#1c6b3c; --number:#9a4a00; --comment:#6d7686; --name:#1b55b3;
  color:var(--text); background:var(--bg); font:16px/1.55 system-ui, -apple-system, "Segoe UI", sans-serif;
  color-scheme:light; max-width:62rem; margin:0 auto; padding:1.5rem 1.25rem 3rem; box-sizing:border-box; }
@media (prefers-color-scheme: dark) {
  .unstuck { --bg:#14171d; --card:#191d24; --text:#e3e7ee; --dim:#98a2b3; --rule:#2e3540; --code:#1d222b;
    --error:#ff8088; --error-bg:#3a1e22; --warning:#f2bd5b; --warning-bg:#382b14; --note:#78bdf7; --note-bg:#152d42;
    --good:#6fd694; --good-bg:#16321f; --undecided:#cf9df2; --undecided-bg:#2f2039; --symptom:#86aefc;
    --keyword:#d69aec; --string:#8fd3a4; --number:#e9ae77; --comment:#8590a2; --name:#8cb6ff; color-scheme:dark; }
}
.unstuck * { box-sizing:border-box; }
.unstuck h1 { font-size:1.65rem; line-height:1.25; margin:.35rem 0 .2rem; }
.unstuck h2 { font-size:1.3rem; line-height:1.3; margin:.45rem 0 .3rem; }
.unstuck h3 { font-size:.8rem; letter-spacing:.06em; text-transform:uppercase; color:var(--dim); margin:1.5rem 0 .45rem; }
.unstuck p { margin:.4rem 0; max-width:50rem; }
.unstuck code, .unstuck pre, .unstuck .listing, .unstuck .diff {
  font-family:ui-monospace, "Cascadia Code", "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace; font-size:.875rem; }
.unstuck p code, .unstuck li code, .unstuck td code, .unstuck h2 code, .unstuck .label code {
  background:var(--code); border-radius:4px; padding:.08em .32em; font-size:.9em; }
.unstuck .badge { display:inline-block; border-radius:999px; padding:.12rem .7rem; font-size:.8rem; font-weight:650; }
.unstuck .error, .unstuck .faulty { color:var(--error); background:var(--error-bg); }
.unstuck .warning { color:var(--warning); background:var(--warning-bg); }
.unstuck .note { color:var(--note); background:var(--note-bg); }
.unstuck .healthy, .unstuck .proved { color:var(--good); background:var(--good-bg); }
.unstuck .likely { color:var(--warning); background:var(--warning-bg); }
.unstuck .undecided { color:var(--undecided); background:var(--undecided-bg); }
.unstuck .suspect { color:var(--dim); background:var(--code); }
.unstuck .meta { color:var(--dim); font-size:.92rem; }
.unstuck .network { font-size:1.02rem; margin:.3rem 0; }
.unstuck article { background:var(--card); border:1px solid var(--rule); border-top:3px solid var(--rule); border-radius:8px;
  padding:1.1rem 1.3rem 1.3rem; margin:1.6rem 0; }
.unstuck { --mark:var(--error); }
.unstuck article.is-error { border-top-color:var(--error); }
.unstuck article.is-warning { border-top-color:var(--warning); --mark:var(--warning); }
.unstuck article.is-note { border-top-color:var(--note); --mark:var(--note); }
.unstuck .listing, .unstuck .diff { background:var(--code); border-radius:6px; overflow-x:auto; padding:.6rem 0;
  line-height:1.5; }
.unstuck .row { display:grid; grid-template-columns:3.6rem max-content; min-width:max-content; white-space:pre; }
.unstuck .row > .no { color:var(--dim); text-align:right; padding-right:1rem; user-select:none; }
.unstuck .row > .src { padding-right:1rem; }
.unstuck .row.gap > .src { color:var(--dim); }
.unstuck .row.hit { background:color-mix(in srgb, var(--mark) 9%, transparent); }
.unstuck mark { color:inherit; background:none; border-bottom:2px solid; padding-bottom:1px; }
.unstuck mark.primary { border-color:var(--mark); background:color-mix(in srgb, var(--mark) 14%, transparent); }
.unstuck mark.symptom, .unstuck mark.also { border-color:var(--symptom); border-bottom-style:dashed; }
.unstuck .label { display:inline-block; font-weight:600; padding:.1rem 0 .25rem; white-space:normal; max-width:40rem;
  font-family:system-ui, -apple-system, "Segoe UI", sans-serif; }
.unstuck .label.primary { color:var(--mark); }
.unstuck .label.symptom, .unstuck .label.also { color:var(--symptom); }
.unstuck .k { color:var(--keyword); } .unstuck .s { color:var(--string); } .unstuck .n { color:var(--number); }
.unstuck .c { color:var(--comment); font-style:italic; } .unstuck .f { color:var(--name); font-weight:600; }
.unstuck .diff .del { background:color-mix(in srgb, var(--error) 13%, transparent); }
.unstuck .diff .add { background:color-mix(in srgb, var(--good) 15%, transparent); }
.unstuck .diff .del > .src::before { content:"- "; } .unstuck .diff .add > .src::before { content:"+ "; }
.unstuck .diff .same > .src::before { content:"  "; }
.unstuck table { border-collapse:collapse; width:100%; font-size:.95rem; }
.unstuck th { text-align:left; color:var(--dim); font-weight:600; font-size:.85rem; }
.unstuck th, .unstuck td { padding:.38rem .9rem .38rem 0; border-bottom:1px solid var(--rule); vertical-align:top; }
.unstuck tr:last-child td { border-bottom:none; }
.unstuck td code, .unstuck .nb { white-space:nowrap; }
.unstuck td.value { font-variant-numeric:tabular-nums; font-weight:600; }
.unstuck figure { margin:.6rem 0; } .unstuck figcaption { color:var(--dim); font-size:.9rem; margin-bottom:.25rem; }
.unstuck svg { max-width:100%; height:auto; display:block; font-family:inherit; }
.unstuck svg text { font-size:13px; fill:var(--text); } .unstuck svg .name { fill:var(--dim); }
.unstuck svg .value { paint-order:stroke; stroke:var(--card); stroke-width:5px; stroke-linejoin:round; }
.unstuck svg .before { fill:var(--error); opacity:.75; } .unstuck svg .after { fill:var(--good); }
.unstuck svg .limit { stroke:var(--text); stroke-dasharray:3 3; }
.unstuck ul { margin:.4rem 0; padding-left:1.25rem; } .unstuck li { margin:.2rem 0; }
.unstuck pre.formula { background:var(--code); border-radius:6px; padding:.6rem .9rem; overflow-x:auto; margin:.5rem 0; }
.unstuck details { border-top:1px solid var(--rule); margin-top:1.1rem; padding-top:.7rem; }
.unstuck summary { cursor:pointer; font-weight:600; }
.unstuck details h3 { margin-top:1rem; }
.unstuck footer { color:var(--dim); font-size:.9rem; margin-top:2rem; }
@media print { .unstuck article { break-inside:avoid; } }
"""

PAGE_CSS = """
body { margin:0; background:#ffffff; }
@media (prefers-color-scheme: dark) { body { background:#14171d; } }
"""
