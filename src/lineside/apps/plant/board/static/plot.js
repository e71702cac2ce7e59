// Puts a plot that can be moved and zoomed in the place of a drawn curve. It asks for the points of what is looked at,
// thinned by the server to the pixels that there are, so that a million values are as quick as a thousand. Where the
// points do not come, the curve that the server drew stays.
"use strict";
(() => {
  const PATIENCE = 120;        // ms of rest before finer points are asked for
  const SHORTEST = 1000;       // ms that a plot shows at least
  const LONGEST = 5 * 366 * 86400000;
  const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const lang = document.documentElement.lang;
  const figures = new Intl.NumberFormat(lang, { maximumSignificantDigits: 5 });
  const counts = new Intl.NumberFormat(lang);

  // Float64: points, values behind them, then the times, then the values; NaN breaks the line, which uPlot wants as null.
  const decode = (buffer) => {
    const all = new Float64Array(buffer);
    const n = all[0] || 0;
    const values = all.subarray(2 + n, 2 + 2 * n);
    const broken = values.some(Number.isNaN);
    return { behind: all[1] || 0, times: all.subarray(2, 2 + n), values: broken ? Array.from(values, (v) => (Number.isNaN(v) ? null : v)) : values };
  };

  const begin = (figure) => {
    const given = figure.dataset;
    let [low, high, first] = [null, null, null];
    const read = ({ plotLow, plotHigh, plotFrom, plotTo }) => {
      [low, high] = plotLow === undefined ? [null, null] : [Number(plotLow), Number(plotHigh)];
      first = { from: Number(plotFrom), to: Number(plotTo) };
    };
    read(given);
    const says = JSON.parse(given.plotSays);
    const place = figure.querySelector(".plot-place");
    const said = figure.querySelector(".plot-said");
    const zone = given.plotZone;
    // English dates as the board writes them: ISO in full, the day before the month in short.
    const format = (options, english = "en-GB") => {
      const f = new Intl.DateTimeFormat(lang === "en" ? english : lang, { ...options, timeZone: zone });
      return (ms) => f.format(new Date(ms));
    };
    const [day, minute, second] = [
      format({ day: "numeric", month: "short" }), format({ hour: "2-digit", minute: "2-digit", hourCycle: "h23" }),
      format({ hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" }),
    ];
    const whole = format({ dateStyle: "short", timeStyle: "medium" }, "sv-SE");
    let view = { ...first };
    let plot = null;
    let asking = null;
    let later = 0;

    const size = () => ({ width: place.clientWidth, height: Math.max(220, Math.min(420, Math.round(innerHeight * 0.45))) });

    const range = (_, least, greatest) => {
      const [a, b] = least === null || least === undefined ? [0, 1] : [least, greatest];
      return uPlot.rangeNum(low === null ? a : Math.min(a, low), high === null ? b : Math.max(b, high), 0.08, true);
    };

    const limits = (u) => {
      if (low === null) return;
      u.ctx.save();
      u.ctx.strokeStyle = css("--limit");
      u.ctx.lineWidth = 2 * Math.max(1, Math.round(devicePixelRatio)); // whole dots: a line as crisp as it can be
      u.ctx.setLineDash([6 * devicePixelRatio, 4 * devicePixelRatio]);
      for (const value of [low, high]) {
        const y = Math.round(u.valToPos(value, "y", true));
        u.ctx.beginPath(); u.ctx.moveTo(u.bbox.left, y); u.ctx.lineTo(u.bbox.left + u.bbox.width, y); u.ctx.stroke();
      }
      u.ctx.restore();
    };

    const options = () => {
      const rem = parseFloat(getComputedStyle(document.documentElement).fontSize);
      const font = `${Math.round(0.76 * rem)}px ${getComputedStyle(document.body).fontFamily}`;
      const line = { font, stroke: () => css("--soft"), grid: { stroke: () => css("--edge"), width: 1 }, ticks: { stroke: () => css("--edge"), width: 1 } };
      return {
        ...size(), ms: 1, pxAlign: 1, legend: { show: false },
        tzDate: (ms) => uPlot.tzDate(new Date(ms), zone),
        cursor: { drag: { x: false, y: false }, points: { size: 7 } },
        scales: { x: { time: true }, y: { range } },
        axes: [
          { ...line, size: Math.round(3.1 * rem), space: Math.round(4.4 * rem), values: (_, splits, __, ___, step) => {
            let before = "";
            return splits.map((ms) => {
              const date = day(ms);
              if (step >= 86400000) return date;
              const text = step < 60000 ? second(ms) : minute(ms);
              const full = date === before ? text : `${text}\n${date}`;
              before = date;
              return full;
            });
          } },
          { ...line, size: Math.round(4.4 * rem), values: (_, splits) => splits.map((v) => figures.format(v)) },
        ],
        series: [{}, { stroke: () => css("--trace"), width: 1.5, points: { show: (u, _, a, b) => b - a < u.bbox.width / devicePixelRatio / 8 } }],
        hooks: { draw: [limits], setCursor: [readOut] },
      };
    };

    const readOut = (u) => {
      const at = u.cursor.idx;
      if (at === null || at === undefined || u.cursor.left < 0 || u.data[1][at] === null) return;
      figure.querySelector(".plot-at").textContent = `${whole(u.data[0][at])}   ${figures.format(u.data[1][at])} ${given.plotUnit}`;
    };

    const tell = (points) => {
      let [least, greatest] = [Infinity, -Infinity];
      for (const value of points.values) if (value !== null) { least = Math.min(least, value); greatest = Math.max(greatest, value); }
      said.textContent = (points.behind ? says.shown : says.nothing)
        .replace("{from}", whole(view.from)).replace("{to}", whole(view.to)).replace("{n}", counts.format(points.behind))
        .replace("{low}", figures.format(least)).replace("{high}", `${figures.format(greatest)} ${given.plotUnit}`);
      plot.ctx.canvas.setAttribute("aria-label", `${given.plotName}. ${said.textContent}`);
    };

    const show = (points) => {
      if (!plot) {
        if (!points.behind) return;
        place.replaceChildren();
        figure.classList.add("alive");
        plot = new uPlot(options(), [points.times, points.values], place);
        plot.ctx.canvas.setAttribute("role", "img");
        follow(plot.over);
        figure.querySelector(".plot-tools").hidden = false;
        new ResizeObserver(() => { if (place.clientWidth !== plot.width) { plot.setSize(size()); ask(); } }).observe(place);
        new MutationObserver(() => plot.redraw(false, true)).observe(document.documentElement, { attributeFilter: ["data-theme"] });
        matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => plot.redraw(false, true));
      } else plot.setData([points.times, points.values], false);
      plot.setScale("x", { min: view.from, max: view.to });
      tell(points);
      figure.dataset.drawn = String(points.times.length);
      figure.dataset.behind = String(points.behind);
    };

    const ask = async () => {
      asking?.abort();
      const mine = asking = new AbortController();
      const columns = Math.max(100, Math.round(place.clientWidth * devicePixelRatio));
      const [from, to] = [Math.max(0, Math.floor(view.from)), Math.ceil(view.to)];
      try {
        const answer = await fetch(`${given.plot}&from=${from}&to=${to}&columns=${columns}`, { signal: mine.signal });
        if (answer.ok && !answer.redirected) show(decode(await answer.arrayBuffer()));
      } catch {
        // Aborted by a newer question, or no connection: what is drawn stays.
      }
    };

    // The page was made anew: its figure says what is newest. Who looks at that goes on to; who looks at the past stays.
    const renew = (fresh) => {
      const [whole, newest, length] = [view.from === first.from && view.to === first.to, view.to >= first.to, view.to - view.from];
      read(fresh.dataset);
      figure.querySelector("figcaption").replaceChildren(...fresh.querySelector("figcaption").childNodes);
      if (whole) view = { ...first };
      else if (newest) view = { from: first.to - length, to: first.to };
      said.setAttribute("aria-live", "off");
      ask();
    };

    const go = (from, to) => {
      said.removeAttribute("aria-live");
      const length = Math.min(LONGEST, Math.max(SHORTEST, to - from));
      const end = Math.min((from + to) / 2 + length / 2, Math.max(first.to, Date.now()));
      view = { from: Math.max(0, end - length), to: Math.max(0, end - length) + length };
      plot.setScale("x", { min: view.from, max: view.to });
      clearTimeout(later);
      later = setTimeout(ask, PATIENCE);
    };
    const shift = (share) => { const by = share * (view.to - view.from); go(view.from + by, view.to + by); };
    const zoom = (factor, at = 0.5) => {
      const length = view.to - view.from;
      const centre = view.from + at * length;
      go(centre - at * length * factor, centre + (1 - at) * length * factor);
    };
    const acts = {
      earlier: () => shift(-0.25), later: () => shift(0.25), closer: () => zoom(0.5), wider: () => zoom(2),
      all: () => go(first.from, first.to),
    };
    const KEYS = { ArrowLeft: "earlier", ArrowRight: "later", "+": "closer", "=": "closer", "-": "wider", Home: "all" };

    const follow = (over) => {
      place.tabIndex = 0;
      place.setAttribute("role", "group");
      place.setAttribute("aria-label", says.keys);
      place.addEventListener("keydown", (event) => {
        const act = !event.ctrlKey && !event.metaKey && !event.altKey && acts[KEYS[event.key]];
        if (act) { event.preventDefault(); act(); }
      });
      over.addEventListener("dblclick", acts.all);
      over.addEventListener("wheel", (event) => {
        if (!event.ctrlKey) return;
        event.preventDefault();
        zoom(event.deltaY > 0 ? 1.25 : 0.8, event.offsetX / over.clientWidth);
      }, { passive: false });
      // One finger or the mouse moves, two fingers zoom about the middle between them.
      const held = new Map();
      const spread = () => { const xs = [...held.values()]; return [(xs[0] + xs[1]) / 2, Math.max(10, Math.abs(xs[0] - xs[1]))]; };
      const hold = () => figure.classList.toggle("held", held.size > 0);
      over.addEventListener("pointerdown", (event) => { held.set(event.pointerId, event.clientX); over.setPointerCapture(event.pointerId); hold(); });
      for (const end of ["pointerup", "pointercancel"]) over.addEventListener(end, (event) => { held.delete(event.pointerId); hold(); });
      over.addEventListener("pointermove", (event) => {
        if (!held.has(event.pointerId) || held.size > 2) return;
        if (held.size === 1) {
          const by = (held.get(event.pointerId) - event.clientX) / over.clientWidth;
          held.set(event.pointerId, event.clientX);
          shift(by);
        } else {
          const [, before] = spread();
          held.set(event.pointerId, event.clientX);
          const [middle, after] = spread();
          zoom(before / after, (middle - over.getBoundingClientRect().left) / over.clientWidth);
        }
      });
    };

    for (const button of figure.querySelectorAll("[data-plot-do]")) button.addEventListener("click", acts[button.dataset.plotDo]);
    ask();
    return renew;
  };

  const plots = new WeakMap();
  const beginAll = () => {
    for (const figure of document.querySelectorAll("[data-plot]")) if (!plots.has(figure)) plots.set(figure, begin(figure));
  };
  beginAll();
  document.addEventListener("renewed", (event) => {
    for (const [figure, fresh] of event.detail) plots.get(figure)(fresh);
    beginAll();
  });
})();
