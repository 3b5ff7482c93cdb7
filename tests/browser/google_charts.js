// Stands in for Google Charts, which the plugin loads from the network: draws what it is given, plainly, so that a
// browser without a network shows the same figures. Only what torch-tb-profiler 0.4.3 calls is here.
"use strict";
(() => {
  const NS = "http://www.w3.org/2000/svg";
  const COLOURS = ["#3366cc", "#dc3912", "#ff9900", "#109618", "#990099", "#0099c6", "#dd4477", "#66aa00"];

  class DataTable {
    constructor() { this.columns = []; this.rows = []; }
    addColumn(column) { this.columns.push(column); }
    addRow(row) { this.rows.push(row); }
    addRows(rows) { this.rows.push(...rows); }
    setProperty() {}
  }
  function arrayToDataTable(rows) {
    const table = new DataTable();
    for (const label of rows[0]) table.addColumn({label});
    table.addRows(rows.slice(1));
    return table;
  }
  function node(name, attributes, parent, text) {
    const e = document.createElementNS(NS, name);
    for (const [key, value] of Object.entries(attributes)) e.setAttribute(key, value);
    if (text !== undefined) e.textContent = text;
    parent.appendChild(e);
    return e;
  }

  class Chart {
    constructor(place) { this.place = place; }
    clearChart() { this.place.replaceChildren(); }
    setSelection() {}
    getSelection() { return []; }
    getChartLayoutInterface() { return {getChartAreaBoundingBox: () => ({}), getHAxisValue: () => 0}; }
    draw(data, options) {
      const width = this.place.clientWidth || 600, height = options.height > 0 ? options.height : 220;
      this.place.replaceChildren();
      const svg = node("svg", {width, height, class: "chart", "font-family": "Arial", "font-size": 12}, this.place);
      if (options.title) node("text", {x: 10, y: 16, "font-weight": "bold"}, svg, options.title);
      this.plot(svg, data, width, height, options);
    }
    /// Columns that hold numbers, beside the first.
    series(data) {
      return data.columns.map((c, i) => ({label: c.label, i, column: c})).filter(c => c.i > 0 && c.column.type !== "string" && !c.column.role);
    }
  }

  class Bars extends Chart {
    plot(svg, data, width, height, options) {
      const series = this.series(data), left = 70, bottom = 52, top = 28;
      const total = Math.max(...data.rows.map(row => series.reduce((sum, s) => sum + row[s.i], 0)), 1e-9);
      const each = (width - left - 20) / Math.max(data.rows.length, 1), high = height - bottom - top;
      for (let k = 0; k <= 4; ++k) {
        const y = top + high * (1 - k / 4);
        node("line", {x1: left, x2: width - 20, y1: y, y2: y, stroke: "#ddd"}, svg);
        node("text", {x: left - 6, y: y + 4, "text-anchor": "end", fill: "#555"}, svg, Math.round(total * k / 4));
      }
      data.rows.forEach((row, r) => {
        let y = top + high;
        series.forEach((s, k) => {
          const h = high * row[s.i] / total;
          y -= h;
          node("rect", {x: left + r * each + each * .1, y, width: each * .8, height: h, fill: (options.colors || COLOURS)[k % 8]}, svg);
        });
        node("text", {x: left + (r + .5) * each, y: height - bottom + 16, "text-anchor": "middle", fill: "#555"}, svg, row[0]);
      });
      let x = left;
      series.forEach((s, k) => {
        node("rect", {x, y: height - 18, width: 10, height: 10, fill: (options.colors || COLOURS)[k % 8]}, svg);
        node("text", {x: x + 14, y: height - 9}, svg, s.label);
        x += 26 + 7 * String(s.label).length;
      });
    }
  }

  class Pie extends Chart {
    plot(svg, data, width, height, options) {
      const total = data.rows.reduce((sum, row) => sum + row[1], 0) || 1, r = Math.min(height / 2 - 26, width / 5), x = r + 16, y = height / 2 + 8;
      let angle = -Math.PI / 2;
      data.rows.forEach((row, k) => {
        const turn = Math.min(row[1] / total, .99999) * 2 * Math.PI, at = a => `${x + r * Math.cos(a)} ${y + r * Math.sin(a)}`;
        node("path", {d: `M${x} ${y}L${at(angle)}A${r} ${r} 0 ${turn > Math.PI ? 1 : 0} 1 ${at(angle + turn)}Z`, fill: (options.colors || COLOURS)[k % 8], stroke: "#fff"}, svg);
        angle += turn;
        if (k < Math.floor((height - 40) / 17)) {
          node("rect", {x: 2 * r + 34, y: 26 + 17 * k, width: 10, height: 10, fill: (options.colors || COLOURS)[k % 8]}, svg);
          node("text", {x: 2 * r + 49, y: 35 + 17 * k}, svg, `${(100 * row[1] / total).toFixed(1)} %  ${row[0]}`);
        }
      });
    }
  }

  class Lanes extends Chart {
    plot(svg, data, width) {
      const layers = [...new Set(data.rows.map(row => row[0]))];
      const begin = Math.min(...data.rows.map(row => row[3])), end = Math.max(...data.rows.map(row => row[4]));
      const x = t => 4 + (t - begin) / Math.max(end - begin, 1e-9) * (width - 8);
      data.rows.forEach((row, k) => {
        const y = 4 + 40 * layers.indexOf(row[0]), w = Math.max(x(row[4]) - x(row[3]), .5);
        node("rect", {x: x(row[3]), y, width: w, height: 36, fill: COLOURS[k % 8], stroke: "#fff"}, svg);
        const most = Math.floor((w - 6) / 7);
        if (most > 3) node("text", {x: x(row[3]) + 4, y: y + 22, fill: "#fff"}, svg, String(row[1]).slice(0, most));
      });
    }
  }

  class Table extends Chart {
    draw(data) {
      const table = document.createElement("table");
      const head = table.createTHead().insertRow();
      for (const column of data.columns) head.insertCell().textContent = column.label;
      for (const row of data.rows.slice(0, 30)) {
        const cells = table.insertRow();
        for (const value of row) cells.insertCell().textContent = value;
      }
      this.place.replaceChildren(table);
    }
  }

  window.google = {
    charts: {load: () => Promise.resolve(), setOnLoadCallback: callback => setTimeout(callback)},
    visualization: {
      DataTable, arrayToDataTable, PieChart: Pie, ColumnChart: Bars, SteppedAreaChart: Bars, ComboChart: Bars, LineChart: Bars,
      Timeline: Lanes, Table, events: {addListener: () => ({})},
    },
  };
})();
