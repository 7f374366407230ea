"""A page for a browser: one file that loads nothing, is read without a script, and is stepped through with one.

A page holds steps, elements with `data-step`, in the order in which they are worked out.  Elements with `data-n` are
about a node: the one in work is lit wherever it stands, and so is the one that the pointer is on.  User text is escaped
wherever it stands, and never part of a style or of the script.
"""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import Iterable, Mapping, Sequence
from html import escape

from backprop_cli.report.plain import safe
from backprop_cli.tasks.result import Piece

STYLE = """\
:root{color-scheme:light dark;--page:#fff;--ink:#1f2328;--soft:#59636e;--line:#d1d9e0;--card:#f6f8fa;--now:#ddf4ff;
--mark:#0969da;--lit:#fff8c5;--value:#116329;--warn:#9a6700;--good:#116329;--bad:#b31d28}
@media (prefers-color-scheme:dark){:root{--page:#0d1117;--ink:#e6edf3;--soft:#9198a1;--line:#3d444d;--card:#161b22;
--now:#0c2d5a;--mark:#58a6ff;--lit:#5a4a0a;--value:#56d364;--warn:#d29922;--good:#56d364;--bad:#ff7b72}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:1800px;padding:1rem;background:var(--page);color:var(--ink);
font:16px/1.5 system-ui,'Segoe UI',Helvetica,Arial,sans-serif;overflow-wrap:anywhere}
h1{font-size:1.6rem;margin:.2rem 0}h2{font-size:1.2rem;margin:1.2rem 0 .4rem}
a{color:var(--mark)}
.soft{color:var(--soft)}
code,pre{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace;font-size:.85rem}
pre{margin:.2rem 0;white-space:pre-wrap}
pre.value{color:var(--value)}
.line{display:inline-block;max-width:100%;padding-left:3ch;text-indent:-3ch}
.line .cell{display:inline-block;text-indent:0;white-space:pre}
math{font-size:1.1rem;text-indent:0;math-style:normal}mfrac{padding-inline:.12em}
.wide{overflow-x:auto;overflow-y:hidden;padding:.35rem 0 .35rem 1.5rem;text-indent:-1.5rem}
.part{display:inline-block;max-width:100%;padding-left:1rem;text-indent:-1rem}
.box{display:inline-block;max-width:calc(100cqw - 4.2rem - var(--rest));text-indent:0;
white-space:normal;text-align:left}
.part .part .part{padding-left:0;text-indent:0}
@media (max-width:600px){.wide{padding-left:.8rem;text-indent:-.8rem}.part{padding-left:.5rem;text-indent:-.5rem}
.box{max-width:calc(100cqw - 3.3rem - var(--rest))}mi.long{font-size:.72em}}
ol.steps>li,dl.rows dd{container-type:inline-size}
nav{position:sticky;top:0;z-index:2;display:flex;flex-wrap:wrap;gap:.4rem;align-items:center;padding:.5rem 0;
background:var(--page);border-bottom:1px solid var(--line)}
nav button{font:inherit;min-width:2.6rem;padding:.25rem .7rem;border:1px solid var(--line);border-radius:6px;
background:var(--card);color:var(--ink);cursor:pointer}
nav button:disabled{opacity:.5;cursor:default}
nav[hidden]{display:none}
:focus-visible{outline:2px solid var(--mark);outline-offset:2px}
ol.steps{list-style:none;margin:0;padding:0}
ol.steps>li{border:1px solid var(--line);border-radius:8px;padding:.5rem .8rem;margin:.4rem 0;scroll-margin:4rem}
ol.steps>li.now{background:var(--now);border-color:var(--mark)}
.row{display:flex;flex-wrap:wrap;gap:.2rem 1rem;align-items:baseline}
dl.rows{display:grid;grid-template-columns:minmax(6rem,max-content) minmax(0,1fr);gap:.1rem 1rem;margin:.3rem 0;
align-items:baseline}
dl.rows dt{color:var(--soft)}dl.rows dd{margin:0;min-width:0}
@media (max-width:600px){dl.rows{grid-template-columns:minmax(0,1fr)}}
.warning{border-left:4px solid var(--warn);padding-left:.6rem;margin:.4rem 0}
.good{color:var(--good)}.bad{color:var(--bad)}
.v,math [data-n]{border-radius:3px}.v.lit,math .lit{background:var(--lit)}
.spec pre{border:1px solid var(--line);border-radius:8px;background:var(--card);padding:.5rem .8rem;
overflow-y:auto;max-height:40vh}
.spec .now{background:var(--now);outline:1px solid var(--mark);outline-offset:2px}
table{border-collapse:collapse;display:block;overflow-x:auto}
th,td{border:1px solid var(--line);padding:.2rem .6rem;text-align:left;vertical-align:top}
.graph .lit .box,.graph .now .box{stroke:var(--mark);stroke-width:3.5}
.graph .now .box{fill:var(--now)}
.graph .edge.now{stroke-width:4}
@media (min-width:1100px){main.two{display:grid;grid-template-columns:minmax(0,1fr) minmax(0,1fr);gap:1.5rem}
main.two .beside{position:sticky;top:3.6rem;align-self:start}
main.two .picture{max-height:calc(68vh - 4rem)}main.two .spec pre{max-height:calc(32vh - 4rem)}}
.picture{overflow:auto;max-height:80vh}
svg.plot{display:block;max-width:100%;height:auto}
.whole{font:inherit;margin:.4rem 0;padding:.1rem .6rem;border:1px solid var(--line);border-radius:6px;
background:var(--card);color:var(--ink)}
@media (max-width:600px){.picture{max-height:none}svg.graph{max-width:100%;height:auto}}
@media (min-width:601px){.whole{display:none}}
@media print{nav{display:none}main.two{display:block}main.two .beside{position:static}
main.two .picture,main.two .spec pre{max-height:none}}
"""

SCRIPT = """\
(function(){
var steps=Array.prototype.slice.call(document.querySelectorAll('[data-step]'));
var nav=document.querySelector('nav'),said=document.getElementById('said'),at=-1;
function each(query,act){Array.prototype.forEach.call(document.querySelectorAll(query),act);}
function light(name,n,on){each('[data-n="'+n+'"]',function(e){e.classList.toggle(name,on);});}
function go(to,still){
  to=Math.max(0,Math.min(steps.length-1,to));
  each('.now',function(e){e.classList.remove('now');e.removeAttribute('aria-current');});
  at=to;var step=steps[at],n=step.getAttribute('data-n');
  step.classList.add('now');step.setAttribute('aria-current','step');
  each('.graph g[data-n="'+n+'"],.spec [data-n="'+n+'"]',function(e){e.classList.add('now');});
  var back=step.getAttribute('data-step')==='back';
  each('.graph .edge['+(back?'data-from':'data-to')+'="'+n+'"]',function(e){e.classList.add('now');});
  said.textContent='Step '+(at+1)+' of '+steps.length+': '+step.getAttribute('aria-label');
  nav.querySelector('[data-go=first]').disabled=nav.querySelector('[data-go=back]').disabled=at===0;
  nav.querySelector('[data-go=last]').disabled=nav.querySelector('[data-go=on]').disabled=at===steps.length-1;
  near();
  if(still)return;
  step.scrollIntoView({block:'nearest'});
  var picture=document.querySelector('.picture'),box=document.querySelector('.graph g.now');
  if(picture&&box){var a=picture.getBoundingClientRect(),b=box.getBoundingClientRect();
    picture.scrollLeft+=b.left+b.width/2-a.left-a.width/2;picture.scrollTop+=b.top+b.height/2-a.top-a.height/2;}
  var line=document.querySelector('.spec .now'),pre=line&&line.closest('pre');
  if(pre)pre.scrollTop+=line.getBoundingClientRect().top-pre.getBoundingClientRect().top-pre.clientHeight/2;
}
var moves={first:function(){go(0);},back:function(){go(at-1);},on:function(){go(at+1);},
  last:function(){go(steps.length-1);}};
if(nav&&steps.length){
  nav.hidden=false;
  nav.addEventListener('click',function(e){var b=e.target.closest('button');if(b)moves[b.getAttribute('data-go')]();});
  document.addEventListener('keydown',function(e){
    var move={ArrowRight:'on',ArrowLeft:'back',Home:'first',End:'last'}[e.key];
    if(!move||e.altKey||e.ctrlKey||e.metaKey||e.shiftKey)return;
    if(e.target.closest('pre,.wide,.picture,table,summary')&&e.key.slice(0,5)==='Arrow')return;
    e.preventDefault();moves[move]();});
  go(0,true);
}
function near(){
  var picture=document.querySelector('.picture'),svg=document.querySelector('svg.graph');
  if(!svg)return;
  var one=svg.querySelector('g.now'),whole=picture.querySelector('.whole');
  var small=matchMedia('(max-width:600px)').matches,size=svg.width.baseVal.value;
  var tall=svg.height.baseVal.value,room=picture.clientWidth,view=[0,0,size,tall];
  whole.hidden=size<=room;
  if(small&&one&&size>room&&whole.getAttribute('aria-pressed')==='false'){
    var box=one.getBBox(),by=one.parentNode.transform.baseVal.consolidate().matrix;
    var w=Math.min(size,Math.max(1.2*room,box.width+24)),h=Math.min(tall,0.5*innerHeight*w/room);
    view=[Math.max(0,Math.min(size-w,box.x+box.width/2+by.e-w/2)),
      Math.max(0,Math.min(tall-h,box.y+box.height/2+by.f-h/2)),w,h];
  }
  svg.setAttribute('viewBox',view.join(' '));
  svg.style.height=small?room*Math.min(1,size/room)*view[3]/view[2]+'px':'';
}
each('.whole',function(button){button.addEventListener('click',function(){
  button.setAttribute('aria-pressed',button.getAttribute('aria-pressed')==='false');near();});});
function reachable(){near();
  each('.wide,pre,.picture,table',function(e){
  if(e.scrollWidth>e.clientWidth||e.scrollHeight>e.clientHeight+9)e.tabIndex=0;else e.removeAttribute('tabindex');});}
reachable();window.addEventListener('resize',reachable);
['mouseover','mouseout'].forEach(function(kind){document.addEventListener(kind,function(e){
  var one=e.target.closest&&e.target.closest('[data-n]');
  if(one)light('lit',one.getAttribute('data-n'),kind==='mouseover');});});
})();
"""

BUTTONS = {"first": "« First", "back": "‹ Back", "on": "Next ›", "last": "Last »"}


def _policy() -> str:
    """Nothing is loaded; the only script that runs is the one above."""
    digest = b64encode(hashlib.sha256(SCRIPT.encode()).digest()).decode()
    return f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'; img-src data:"


def text(value: str) -> str:
    """User text between tags."""
    return escape(safe(value))


def page(title: str, body: Iterable[str]) -> str:
    """A whole document; the title is user text, the body markup."""
    return "\n".join([
        "<!doctype html>",
        '<html lang="en">',
        "<head>",
        '<meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{_policy()}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        '<link rel="icon" href="data:,">',
        f"<title>{text(title)}</title>",
        f"<style>\n{STYLE}</style>",
        "</head>",
        "<body>",
        *body,
        f"<script>{SCRIPT}</script>",
        "</body>",
        "</html>",
    ]) + "\n"  # fmt: skip


def navigation() -> str:
    """The buttons; hidden until the script is there to serve them."""
    buttons = "".join(f'<button type="button" data-go="{go}">{shown}</button>' for go, shown in BUTTONS.items())
    said = '<span id="said" role="status" aria-live="polite"></span>'
    return f'<nav hidden aria-label="Steps">{buttons}{said}</nav>'


def step(kind: str, number: int | None, label: str, content: Sequence[str]) -> str:
    """One step: `kind` is 'on' or 'back', `number` the node's, `label` what a screen reader says."""
    node = "" if number is None else f' data-n="{number}"'
    return f'<li data-step="{kind}"{node} aria-label="{text(label)}">' + "\n".join(content) + "</li>"


def listed(lines: Sequence[Sequence[Piece]], numbers: Mapping[str, int]) -> Iterable[str]:
    """The text of the spec, in which what defines the node in work is lit."""
    if not lines:
        return
    shown = folding("".join(_piece(one, numbers.get(one.node)) for one in line) for line in lines)
    yield f'<section class="spec" aria-labelledby="spec"><h2 id="spec">The spec</h2><pre>{shown}</pre></section>'


def _piece(one: Piece, number: int | None) -> str:
    return text(one.text) if number is None else f'<span class="v" data-n="{number}">{text(one.text)}</span>'


def folding(lines: Iterable[str]) -> str:
    """Lines of a `<pre>`; one that is wider than the screen goes on, moved in, below."""
    return "\n".join(f'<span class="line">{line}</span>' if line else "" for line in lines)


def wide(content: str) -> str:
    """What may be wider than a small screen: it scrolls by itself."""
    return f'<div class="wide">{content}</div>'
