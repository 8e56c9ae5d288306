"use strict";
// The table of all trials: filter, sort, pages; and a card for a trial without a page.
// Texts are set as text, never as markup.
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const rowsOnPage = 100;
  const words = { g: "graceful", v: "violation", i: "inconclusive", e: "error" };
  const signs = { g: "✓", v: "✕", i: "?", e: "!" };
  const rank = { g: 3, v: 0, i: 2, e: 1 };
  const form = document.getElementById("filter");
  const body = document.querySelector("#list tbody");
  const status = document.getElementById("count");
  const pager = document.getElementById("pages");

  // all has a trial in each place, in the order of the run; columns are typed where they can be.
  let size = 0;
  for (const s of data.scenarios) size += s.verdicts.length;
  const scenarioOf = new Uint16Array(size);
  const local = new Uint32Array(size); // place in the scenario's columns
  const index = new Uint32Array(size);
  let next = 0;
  data.scenarios.forEach((s, which) => {
    s.points_ = s.pointNumbers.split(";");
    s.reasons_ = s.reasonNumbers.split(";");
    s.first = next;
    let number = 0;
    for (let i = 0; i < s.verdicts.length; i++, next++) {
      number += s.steps[i];
      scenarioOf[next] = which;
      local[next] = i;
      index[next] = number;
    }
  });

  const at = (p) => data.scenarios[scenarioOf[p]];
  const verdict = (p) => at(p).verdicts[local[p]];
  const latency = (p) => at(p).latency[local[p]];
  const when = (p) => at(p).when[local[p]];
  const ending = (p) => { const n = at(p).ending[local[p]]; return n < 0 ? "" : at(p).endings[n]; };
  const kinds = (p) => at(p).findings[at(p).found[local[p]]].filter(Boolean);
  const anchor = (p) => `trial/${at(p).anchor}/${index[p]}`;

  // filled puts numbers into the holes of a form.
  const filled = (parts, numbers) => {
    const values = numbers.split(",");
    return parts.map((part, i) => (i === 0 ? part : values[i - 1] + part)).join("");
  };
  const point = (p) => { const s = at(p), i = local[p]; return filled(s.points[s.point[i]], s.points_[i]); };
  const reason = (p) => { const s = at(p), i = local[p]; return filled(s.reasons[s.reason[i]], s.reasons_[i]); };

  const time = (micros) => {
    if (micros < 0) return "–";
    const ms = micros / 1000;
    if (ms >= 10000) return (ms / 1000).toFixed(1) + " s";
    if (ms >= 1000) return (ms / 1000).toFixed(2) + " s";
    return ms.toFixed(ms >= 100 ? 0 : ms >= 10 ? 1 : 2) + " ms";
  };

  const make = (name, className, ...children) => {
    const e = document.createElement(name);
    if (className) e.className = className;
    e.append(...children);
    return e;
  };
  const badge = (p) => {
    const v = verdict(p), sign = make("span", "", signs[v]);
    sign.setAttribute("aria-hidden", "true");
    return make("span", "badge " + words[v], sign, " " + words[v]);
  };
  const link = (p) => {
    const a = make("a", "", String(index[p]));
    a.href = "#" + anchor(p);
    return a;
  };

  let shown = Uint32Array.from({ length: size }, (_, p) => p);
  let page = 0;
  const order = { by: "place", down: false };

  const orders = {
    place: (a, b) => a - b,
    index: (a, b) => index[a] - index[b],
    verdict: (a, b) => rank[verdict(a)] - rank[verdict(b)],
    when: (a, b) => when(a) - when(b),
    latency: (a, b) => latency(a) - latency(b),
    ending: (a, b) => (ending(a) < ending(b) ? -1 : ending(a) > ending(b) ? 1 : 0),
    found: (a, b) => kinds(b).length - kinds(a).length,
  };

  // wanted says of each place in a dictionary of sets whether the check is in it.
  const wanted = (s, check) => s.findings.map((set) => set.some((kind) => (check.endsWith("/") ? kind.startsWith(check) : kind === check)));

  const select = () => {
    const f = form.elements, number = f.number.value.trim();
    const found = new Uint32Array(size);
    let n = 0;
    data.scenarios.forEach((s, which) => {
      if (f.scenario.value !== "" && Number(f.scenario.value) !== which) return;
      const sets = f.check.value === "" ? null : wanted(s, f.check.value);
      const end = f.ending.value === "" ? null : s.endings.indexOf(f.ending.value);
      for (let i = 0; i < s.verdicts.length; i++) {
        if (f.verdict.value !== "" && s.verdicts[i] !== f.verdict.value) continue;
        if (sets && !sets[s.found[i]]) continue;
        if (end !== null && (end < 0 || s.ending[i] !== end)) continue;
        if (number !== "" && String(index[s.first + i]) !== number) continue;
        found[n++] = s.first + i;
      }
    });
    shown = found.slice(0, n);
    arrange();
  };

  // arrange sorts; equal trials keep the order of the run.
  const arrange = () => {
    const compare = orders[order.by], sign = order.down ? -1 : 1;
    shown.sort((a, b) => sign * compare(a, b) || a - b);
    page = 0;
    draw();
  };

  const draw = () => {
    const from = page * rowsOnPage, list = shown.subarray(from, from + rowsOnPage);
    body.replaceChildren(...Array.from(list, line));
    const last = Math.max(1, Math.ceil(shown.length / rowsOnPage));
    status.textContent = shown.length === size ? `${size.toLocaleString("en")} trials` : `${shown.length.toLocaleString("en")} of ${size.toLocaleString("en")} trials`;
    pager.hidden = last === 1;
    pager.querySelector("span").textContent = `${page + 1} of ${last}`;
    const [earlier, later] = pager.querySelectorAll("button");
    earlier.disabled = page === 0;
    later.disabled = page === last - 1;
  };

  const line = (p) => {
    const found = kinds(p);
    return make("tr", "",
      make("td", "", at(p).name), make("td", "number", link(p)), make("td", "", badge(p)), make("td", "", point(p)),
      make("td", "", ending(p) || "–"), make("td", "number", time(latency(p))), make("td", "", found.length ? found.join(", ") : reason(p)));
  };

  // card tells what is known here of a trial without a page of its own.
  const card = (p) => {
    const s = at(p), facts = make("dl", "facts");
    const add = (name, text) => text && facts.append(make("div", "", make("dt", "", name), make("dd", "", text)));
    add("struck at", point(p));
    add("ending", ending(p));
    add("latency", latency(p) < 0 ? "" : time(latency(p)));
    add("found", kinds(p).join(", "));
    add("reason", reason(p));
    if (s.again.includes(local[p])) add("note", "it failed in an earlier run and was repeated");
    const box = make("article", "card", make("h3", "", `${s.name}, trial ${index[p]} `, badge(p)), facts,
      make("p", "", "Repeat it: ", make("code", "paste", s.replay[0] + index[p] + s.replay[1])));
    box.id = anchor(p);
    box.tabIndex = -1;
    return box;
  };

  const find = (hash) => {
    const m = /^trial\/([^/]+)\/(\d+)$/.exec(hash);
    if (!m) return -1;
    const s = data.scenarios.find((s) => s.anchor === m[1]);
    if (!s) return -1;
    for (let p = s.first; p < s.first + s.verdicts.length; p++) if (index[p] === Number(m[2])) return p;
    return -1;
  };

  // follow opens what the address names.
  const follow = () => {
    const box = document.getElementById("found");
    box.replaceChildren();
    let hash;
    try { hash = decodeURIComponent(location.hash.slice(1)); } catch { return; }
    if (!hash) return;
    let target = document.getElementById(hash);
    if (!target) {
      const p = find(hash);
      if (p < 0) return;
      box.append(target = card(p));
    }
    const folded = target.closest("details");
    if (folded) folded.open = true;
    (folded || target).scrollIntoView();
    target.focus({ preventScroll: true });
  };

  const headers = document.querySelectorAll("#list th[data-sort]");
  for (const header of headers) {
    const button = make("button", "", ...header.childNodes);
    button.type = "button";
    header.replaceChildren(button);
    header.setAttribute("aria-sort", "none");
    button.addEventListener("click", () => {
      order.down = order.by === header.dataset.sort && !order.down;
      order.by = header.dataset.sort;
      for (const other of headers) other.setAttribute("aria-sort", other === header ? (order.down ? "descending" : "ascending") : "none");
      arrange();
    });
  }
  form.addEventListener("input", select);
  form.addEventListener("reset", () => setTimeout(select)); // the controls are reset after the event
  form.addEventListener("submit", (e) => e.preventDefault());
  for (const button of pager.querySelectorAll("button")) {
    button.addEventListener("click", () => { page += Number(button.dataset.step); draw(); });
  }

  // A click into a scatter plot leads to the nearest trial.
  document.querySelectorAll("section.scenario").forEach((section) => {
    const plot = section.querySelector("svg.scatter");
    if (!plot) return;
    const s = data.scenarios.find((s) => "scenario/" + s.anchor === section.id), d = plot.dataset;
    plot.addEventListener("click", (e) => {
      const r = plot.getBoundingClientRect(), k = 720 / r.width, x = (e.clientX - r.left) * k, y = (e.clientY - r.top) * k;
      const p = nearest(s, x, y, d);
      if (p >= 0) location.hash = anchor(p);
    });
  });
  function nearest(s, x, y, d) {
    const step = "log" in d ? Math.log : Number, lowX = Number(d.lowX), lowY = step(d.lowY), bottom = Number(d.bottom);
    const perX = 650 / (d.highX - lowX), perY = (bottom - 10) / (step(d.highY) - lowY);
    let best = -1, least = 14 * 14;
    s.latency.forEach((micros, i) => {
      const where = s.nth ? s.nth[i] : s.when[i];
      if (micros < 0 || where < 0) return;
      const dx = 58 + (where - lowX) * perX - x, dy = bottom - (step(Math.max(1, micros)) - lowY) * perY - y;
      if (dx * dx + dy * dy < least) { least = dx * dx + dy * dy; best = s.first + i; }
    });
    return best;
  }

  form.hidden = false;
  select();
  addEventListener("hashchange", follow);
  follow();
})();
