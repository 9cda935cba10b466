"""Style: the only style sheet of all that is HTML, for one rendering at a time.

Each rule is meant for one element with a class of its own, so two views in a notebook never meet,
and nothing is set on the page around it. The name of the element is in each rule, and the class
twice in some: what JupyterLab says of all outputs would win otherwise. Colours come from
JupyterLab, else from VS Code, else from the page of a report, else they are ours. Where a
sanitizer drops all this, what is left is plain tables and lists.
"""

from __future__ import annotations

from typing import Final

_RULES: Final = """
§{--t:var(--jp-ui-font-color1,var(--vscode-editor-foreground,var(--pd-t,#1f2328)));
--b:var(--jp-layout-color0,var(--vscode-editor-background,var(--pd-b,#fff)));
--d:color-mix(in srgb,var(--t) 75%,var(--b));
color:var(--t);background:var(--b);padding:4px 2px;container-type:inline-size;
overflow-wrap:anywhere;
font:13px/1.5 var(--jp-ui-font-family,system-ui,sans-serif)}
§ .x{display:none}
§ .h{display:flex;flex-wrap:wrap;gap:2px 10px;align-items:center;margin-bottom:8px;
font-variant-numeric:tabular-nums}
§ .h b{font-size:16px}
§ .c{padding:1px 8px;border-radius:5px;font-size:12px;font-weight:600;white-space:nowrap}
§ .d{color:var(--d)}
§ img{display:block;margin:6px 0 10px;max-width:100%;height:auto}
§.§ pre,§.§ code{font:12px/1.5 var(--jp-code-font-family,ui-monospace,monospace);color:inherit;
background:none}
§.§ code{padding:0;background:none;overflow-wrap:anywhere}
§.§ summary code{white-space:inherit}
§.§ pre{margin:4px 0;padding:6px 10px;background:#8881;border-radius:5px;white-space:pre-wrap;
overflow:hidden;overflow-wrap:anywhere}
§ pre span{display:block}
§ table{border-collapse:collapse;margin:4px 0 8px;font-size:12px;background:none;color:inherit}
§ caption{text-align:left;color:var(--d);padding:0;caption-side:top}
§ tr{background:none!important}
§ th,§ td{text-align:left!important;vertical-align:baseline;padding:2px 14px 2px 0;border:0;
font-weight:400;max-width:60ch;overflow-wrap:break-word;white-space:normal;color:inherit}
§ th{font-weight:600}
§ td:has(code){min-width:7ch}
§ .lg{overflow-wrap:anywhere;min-width:12ch}
§ td+td{color:var(--d)}
§ .e{border-left:4px solid #ca392e;background:#ca392e14;border-radius:5px;padding:8px 12px;
margin:6px 0}
§ .e>div{margin:2px 0}
§ .e>summary{border:0;padding:0}
§.§ .m{font-weight:700}
§ summary{cursor:pointer;display:grid;gap:1px 10px;align-items:center;padding:3px 4px;
border-top:1px solid #8883;grid-template-columns:10px auto minmax(0,1fr) auto}
§ summary::before{content:"▸";color:var(--d)}
§ details[open]>summary::before{content:"▾"}
§ summary:hover{background:#8881}
§ summary>*,§.§ summary code{overflow:hidden;text-overflow:ellipsis;white-space:nowrap}
§ details[open]>summary>b{white-space:normal;overflow-wrap:anywhere}
§ .bu>summary{display:flex}
§ .bu>summary .c{flex:none;min-width:var(--c);box-sizing:border-box}
§ .v{padding:2px 4px 8px 24px}
§ .g{background:#8882;border-radius:5px;padding:0 7px;font-size:12px}
§ .g.w{background:#c7770040}
§ .g.r{background:#ca392e33}
"""

_OF_RUN: Final = """
§ .run summary,§ .ax{grid-template-columns:10px var(--c) minmax(0,var(--n)) minmax(0,1fr) 20% 60px}
§ .ax{display:grid!important;gap:10px;padding:0 4px;font-size:11px;color:var(--d)}
§ .ax span{grid-column:5;display:flex;justify-content:space-between}
§ .y{background:#8882;border-radius:3px;height:10px}
§ .y i{display:block;position:relative;height:100%;min-width:2px;border-radius:3px}
§ .j{text-align:right;font-variant-numeric:tabular-nums}
@container (max-width:640px){§ .run summary{grid-template-columns:10px var(--c) minmax(0,1fr) auto}
§ .run summary .d{grid-row:2;grid-column:3/5}§ .run summary .y{grid-row:3;grid-column:3/5}
§ .run summary .y:empty,§ .run summary .d:empty{display:none}§ .ax{display:none!important}}
"""

_OF_MARKS: Final = """
§ .l .w,§ .l .r{margin:0 -10px;padding:0 10px 0 7px;border-left:3px solid #c77700;
background:#c777001a}
§ .l .r{border-color:#ca392e;background:#ca392e1f}
"""

_OF_LINES: Final = """
§ input{position:absolute;opacity:0}
§ label{display:inline-block;border:1px solid #8886;padding:0 9px;margin:0 4px 6px 0;font-size:12px;
border-radius:9px;cursor:pointer}
§ input:checked+label{background:#4570a5;border-color:#4570a5;color:#fff}
§ input:focus-visible+label{outline:2px solid #4570a5;outline-offset:2px}
§ input:disabled+label{opacity:.6;cursor:default}
§ .lo{display:flex;flex-direction:column-reverse;max-height:360px;overflow:auto!important}
§.§ .lo code{flex:none;font:inherit}
§ .f1:checked~div .l,§ .f2:checked~div .l{font-size:0}
§ .f1:checked~div .l .w,§ :checked~div .l .r{font-size:12px}
§ .f2:checked~div .l:not(:has(.r)),§ .f1:checked~div .l:not(:has(.w,.r)),
§ .f2:checked~div .l .w,§ .f1:checked~div .l .d,§ .f2:checked~div .l .d{display:none}
§ .f1:checked~div .o:not(.ow,.or),§ .f2:checked~div .o:not(.or){display:none}
§ .f1:checked~div .ow::details-content,§ .f2:checked~div .or::details-content
{content-visibility:visible;block-size:auto}
"""

_OF_LIVE: Final = """
§.§ .z{box-sizing:content-box;height:4.5em}
§ .z:empty{visibility:hidden}
§ .z span{white-space:pre;overflow:hidden;text-overflow:ellipsis}
"""

_OF_FRAMES: Final = """
§ .u td,§ .u th{border-bottom:1px solid #8883;padding:1px 12px 1px 0;color:inherit;min-width:0;
white-space:nowrap;font-variant-numeric:tabular-nums}
§ .u .n{text-align:right!important}
§ .k{font-weight:600;background:#4570a533;border-radius:3px;padding:0 4px;margin:0 -4px}
§ .u i{display:block;font-weight:400;color:var(--d);font-size:11px}
§ div:has(>.u){overflow-x:auto}
"""

_OF_PLAN: Final = """
§ .plan summary{grid-template-columns:10px var(--c) minmax(0,var(--n)) minmax(0,1fr) auto}
§ .pipeline details[open]>summary>.d{white-space:normal;overflow-wrap:anywhere}
§ .pipeline summary{grid-template-columns:10px minmax(0,var(--n)) minmax(0,1fr) auto}
"""

# An image takes the colour scheme of its element, not the colours of the page.
_OF_CHARTS: Final = """
[data-jp-theme-light=false] § .q,.vscode-dark § .q{color-scheme:dark}
[data-jp-theme-light=true] § .q,.vscode-light § .q{color-scheme:light}
"""

_PARTS: Final = {
    "run": _OF_RUN,
    "lines": _OF_MARKS + _OF_LINES,
    "live": _OF_MARKS + _OF_LIVE,
    "frames": _OF_FRAMES,
    "plan": _OF_PLAN,
    "charts": _OF_CHARTS,
}

REPORT: Final = """
body{margin:0;background:var(--pd-b,#fff)}
main{max-width:1080px;margin:0 auto;padding:16px}
:root{color-scheme:light dark}
@media(prefers-color-scheme:dark){body{--pd-t:#e6edf3;--pd-b:#0d1117}}
@media print{main{padding:0}pre{max-height:none!important}
body *{print-color-adjust:exact;-webkit-print-color-adjust:exact}
details::details-content{content-visibility:visible;block-size:auto}
summary,tr,pre span,.e{break-inside:avoid}input,label{display:none!important}}
"""


def style_of(scope: str, *parts: str) -> str:
    """Return the rules for the element of the class *scope*.

    Parameters
    ----------
    parts
        What the element has besides a header and tables: "run", "plan", "lines", "live",
        "frames", "charts".
    """
    text = "".join([_RULES, *(_PARTS[part] for part in parts)])
    return (
        text.replace("\n", "").replace("§.§", f"div.{scope}.{scope}").replace("§", f"div.{scope}")
    )
