#pragma once
// The look of the report: one accent colour, quiet paper, room to breathe; light, dark, phone and print.
// Included by report.cpp alone.

#include <string_view>

namespace traveltide {

inline constexpr std::string_view page_styles = R"css(
:root{color-scheme:light dark;--paper:#faf9f5;--card:#fff;--ink:#1d2629;--quiet:#586468;--rule:#e2dfd6;--accent:#0b6470;--accent-soft:#e6f0f0;--amber:#8a5200;--amber-soft:#fbefdc;--no:#4d565a;--no-soft:#eeede8;--shade:#1d262938}
@media (prefers-color-scheme:dark){:root{--paper:#10171a;--card:#182225;--ink:#e6ebea;--quiet:#a2afb2;--rule:#2c393d;--accent:#63bfca;--accent-soft:#16323a;--amber:#f0bd74;--amber-soft:#38291180;--no:#bcc6c8;--no-soft:#263236;--shade:#000c}}
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%;scroll-behavior:smooth;scroll-padding-top:1.5rem}
body{margin:0;background:var(--paper);color:var(--ink);font:17px/1.6 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif;overflow-wrap:break-word}
main,footer{max-width:68rem;margin:0 auto;padding:0 clamp(1.1rem,4vw,2.5rem)}
h1,h2{font-family:"Iowan Old Style","Palatino Linotype",Palatino,Charter,Georgia,serif;font-weight:600;line-height:1.15;letter-spacing:-.012em;text-wrap:balance}
h1{font-size:clamp(1.9rem,5.2vw,2.9rem);margin:.15em 0 .3em}
h2{font-size:clamp(1.5rem,3.6vw,2rem);margin:0 0 .5rem}
h3{font-size:1.08rem;line-height:1.35;margin:0 0 .3rem}
p{margin:0 0 1rem;max-width:42rem}
a{color:var(--accent)}
.kicker{color:var(--accent);font-size:.82rem;font-weight:650;letter-spacing:.06em;text-transform:uppercase;margin:0}
.lede{font-size:1.16rem;line-height:1.5;margin-bottom:.5rem}
.quiet{color:var(--quiet)}.small{font-size:.88rem;line-height:1.5}
.first{padding:clamp(1.1rem,4vw,3rem) 0 .5rem}.first .lede{max-width:52rem}.action p{max-width:54rem}
.cards{list-style:none;margin:1.5rem 0;padding:0;display:grid;gap:.65rem;grid-template-columns:repeat(var(--wide),minmax(0,1fr))}
.card{background:var(--card);border:1px solid var(--rule);border-radius:12px;padding:1rem 1.1rem;min-width:0}
.perk{display:flex;flex-direction:column;gap:.1rem;padding:1rem .85rem}.perk .badge{font-size:.76rem;padding-right:.6em}
.perk h3{font-size:1rem;line-height:1.3;margin:0 0 .25rem;min-height:2.6em}
.perk .figure{font-size:1.9rem;line-height:1.15;font-weight:650;letter-spacing:-.02em;font-variant-numeric:tabular-nums}
.perk .share{color:var(--quiet);font-size:.9rem;margin-bottom:.7rem;font-variant-numeric:tabular-nums}
.badge{display:inline-flex;align-items:center;gap:.4em;align-self:flex-start;border-radius:99px;padding:.2em .7em .2em .5em;font-size:.8rem;line-height:1.35;font-weight:600;border:1.5px solid transparent}
.badge svg{width:1.05em;height:1.05em;flex:none;fill:none;stroke:currentColor;stroke-width:2;stroke-linecap:round;stroke-linejoin:round}
.badge.supported{background:var(--accent);color:var(--card)}
.badge.partly{background:var(--amber-soft);color:var(--amber);border-color:currentColor}
.badge.not{background:var(--no-soft);color:var(--no)}
.badge.unknown{color:var(--quiet);border:1.5px dashed currentColor}
.action{background:var(--accent-soft);border-left:5px solid var(--accent);border-radius:4px 12px 12px 4px;padding:1.1rem 1.4rem;margin:1.5rem 0}
.action h2{font-size:1.35rem;margin:.1rem 0 .35rem}.action p:last-child{margin:0}
nav{border-top:1px solid var(--rule);border-bottom:1px solid var(--rule);padding:1rem 0;margin-top:1.5rem}
nav ol{columns:3 15rem;column-gap:2rem;margin:.3rem 0 0;padding-left:1.5rem;font-size:.95rem}nav li{break-inside:avoid;padding:.08rem 0}
nav a{text-decoration:none}nav a:hover{text-decoration:underline}
section{padding:clamp(2.2rem,6vw,4rem) 0 0}
.evidence{border-top:1px solid var(--rule);padding:1.4rem 0}
.evidence .behaviour{margin:-.1rem 0 .5rem}.evidence header{display:flex;flex-wrap:wrap;gap:.3rem .9rem;align-items:center;margin-bottom:.35rem}.evidence header h3{margin:0;font-size:1.2rem}
.answers{display:grid;gap:.8rem 1.6rem;grid-template-columns:repeat(3,minmax(0,1fr));margin:0}
.answers div{min-width:0;border-left:3px solid var(--rule);padding-left:.9rem}.answers div.yes{border-color:var(--accent)}
.answers dt{font-size:.88rem;color:var(--quiet)}.answers dt b{color:var(--ink);font-weight:650}
.answers dd{margin:0}.answers .value{font-size:1.2rem;font-weight:650;font-variant-numeric:tabular-nums}
.grid{display:grid;gap:1.2rem;grid-template-columns:repeat(auto-fit,minmax(min(19rem,100%),1fr));margin:1.4rem 0}
.pair{columns:2 22rem;column-gap:3rem;margin:1.6rem 0 0}.pair>*{break-inside:avoid;margin-bottom:2.2rem}
.trio{display:grid;gap:2rem 2.6rem;grid-template-columns:repeat(auto-fit,minmax(min(16.5rem,100%),1fr));margin:1.8rem 0;align-items:start}
figure{margin:0;min-width:0}figcaption{margin-bottom:.9rem}figcaption b,figcaption span{display:block;line-height:1.4}figure .facts{margin-top:.9rem}
.alone{max-width:44rem;margin:1.6rem 0}
.scroll{overflow-x:auto;margin:1.2rem 0;background:linear-gradient(to left,var(--paper) 45%,transparent) right/3rem 100% no-repeat local,linear-gradient(to left,var(--shade),transparent) right/1rem 100% no-repeat scroll}.scroll:focus-visible,a:focus-visible,summary:focus-visible{outline:3px solid var(--accent);outline-offset:2px}
table{border-collapse:collapse;width:100%;font-size:.92rem;line-height:1.45}
caption{text-align:left;color:var(--quiet);padding-bottom:.5rem;font-size:.88rem}
th,td{padding:.6rem .6rem;border-bottom:1px solid var(--rule);text-align:left;vertical-align:top}
th:first-child,td:first-child{padding-left:0}th:last-child,td:last-child{padding-right:0}
thead th{font-weight:600;color:var(--quiet);font-size:.85rem;vertical-align:bottom;border-bottom:1.5px solid var(--quiet)}
tbody th{font-weight:600;min-width:9rem}tfoot th,tfoot td{color:var(--quiet);border-bottom:0}
.number{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}th.number{white-space:normal}.wide{min-width:15rem}
.segment{display:flex;flex-direction:column}.segment .figure{font-size:1.3rem;font-weight:650;font-variant-numeric:tabular-nums}.segment .figure small{font-size:.9rem;font-weight:400;color:var(--quiet)}
.persona{border-top:1px solid var(--rule);padding-top:.8rem;font-size:.92rem}.persona p{margin-bottom:.4rem}
.facts{display:grid;grid-template-columns:minmax(0,1fr) auto;gap:.15rem 1rem;margin:0}.facts dt{color:var(--quiet)}.facts dd{margin:0;text-align:right;font-variant-numeric:tabular-nums}
.persona{margin-top:auto}.segment .chart{margin-bottom:1rem}.answers .small{display:inline-block;margin-top:.15rem}.gap{margin-top:2.2rem}.hidden{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
.prose h3{margin-top:1.5rem}.prose ul,ul.plain{max-width:42rem;padding-left:1.2rem}.prose li,ul.plain li{margin-bottom:.45rem}
.warning{border-left:4px solid var(--amber);padding-left:1rem}
footer{color:var(--quiet);font-size:.88rem;padding-top:2rem;padding-bottom:3rem;margin-top:3.5rem}footer p{border-top:1px solid var(--rule);padding-top:1.2rem;max-width:none}
@media (max-width:68rem){.perk{padding:1rem .7rem}.perk h3{font-size:.92rem}.perk .share{font-size:.84rem}.perk .badge{font-size:.71rem;gap:.3em;padding:.2em .5em}table{font-size:.86rem}th,td{padding:.55rem .35rem}thead th{font-size:.8rem}tbody th{min-width:7.5rem}th:first-child{position:sticky;left:0;background:var(--paper)}}
@media (max-width:58rem){.cards{grid-template-columns:repeat(var(--narrow),minmax(0,1fr))}.perk h3{min-height:0}}
@media (max-width:44rem){body{font-size:16px}.perk .of{display:none}h1{font-size:1.75rem}.lede{font-size:1.06rem}.cards{grid-template-columns:minmax(0,1fr);gap:.5rem;margin:1.1rem 0}
.perk{display:grid;grid-template-columns:minmax(0,1fr) auto;align-items:center;gap:.15rem .8rem;padding:.5rem .9rem}.perk h3{min-height:0;margin:0;grid-area:1/1;font-size:1rem}.perk .figure{font-size:1.35rem;grid-area:1/2;text-align:right}.perk .badge{grid-area:2/1;justify-self:start;font-size:.76rem;gap:.4em;padding:.2em .6em .2em .5em}.perk .share{margin:0;grid-area:2/2;text-align:right;font-size:.9rem}
.action{padding:.9rem 1.1rem;margin:1.1rem 0}.answers{grid-template-columns:minmax(0,1fr);gap:1rem}nav ol{columns:1}
th:first-child{min-width:7.5rem;max-width:9.5rem;padding-right:.7rem}th,td{padding:.55rem .6rem}table{font-size:.92rem}thead th{font-size:.85rem}.wide{min-width:12rem}}
@media print{:root{--paper:#fff;--card:#fff;--ink:#111;--quiet:#4a5457;--rule:#cfccc3;--accent:#0b6470;--accent-soft:#eef4f4;--amber:#8a5200;--amber-soft:#fbefdc;--no:#4d565a;--no-soft:#eeede8}
@page{margin:16mm 14mm}body{font-size:10.5pt}main,footer{max-width:none;padding:0}nav{display:none}section{padding-top:1.6rem}h2,h3,figcaption{break-after:avoid}.card,.evidence,figure,tr,.action{break-inside:avoid}.scroll{overflow:visible;background:none}.chart.heat{min-width:0}
.badge,.action,.card{print-color-adjust:exact;-webkit-print-color-adjust:exact}a{color:inherit;text-decoration:none}.cards{grid-template-columns:repeat(var(--wide),minmax(0,1fr))}.perk{padding:.6rem}.perk .figure{font-size:1.3rem}.badge{border-radius:8px}}
)css";

}  // namespace traveltide
