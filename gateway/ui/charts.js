/* Charts, by Chart.js (the page's global `Chart`). Where it is not installed there are none, and
 * whatever they show is in numbers beside them all the same. */

const library = globalThis.Chart;

function colour(name) {
    return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

function place(canvas) {
    return canvas.closest("figure") ?? canvas.parentElement;
}

function scale(more = {}) {
    return {
        beginAtZero: true,
        grid: { color: colour("--line") },
        ticks: { color: colour("--faint"), maxRotation: 0, autoSkipPadding: 16 },
        ...more,
    };
}

/* Few points make no line. */
function radius({ dataset: { data } }) {
    return data.length < 10 ? 2 : 0;
}

/* Lines that look apart though one sees no colours. */
function dataset(type, label, index) {
    const paint = colour(`--series-${index + 1}`);
    if (type === "bar")
        return { label, data: [], backgroundColor: paint, maxBarThickness: 24 };
    return {
        label, data: [], borderColor: paint, borderWidth: 2, borderDash: index % 2 ? [6, 3] : [],
        backgroundColor: "transparent", pointBackgroundColor: paint, pointRadius: radius,
    };
}

class Drawing {
    #chart = null;
    #canvas;

    constructor(canvas, type, labels, { horizontal = false } = {}) {
        this.#canvas = canvas;
        if (!library)
            place(canvas).hidden = true;
        if (!library)
            return;
        this.#chart = new library(canvas, {
            type,
            data: { labels: [], datasets: labels.map((label, index) => dataset(type, label, index)) },
            options: {
                animation: false, responsive: true, maintainAspectRatio: false,
                indexAxis: horizontal ? "y" : "x",
                interaction: { mode: "index", intersect: false, axis: horizontal ? "y" : "x" },
                scales: { x: scale(), y: scale() },
                plugins: {
                    legend: { labels: { color: colour("--text"), boxHeight: type === "line" ? 0 : 12 } },
                },
            },
        });
    }

    /** `series`: an array of values for each label; `words`: the same for who does not see it. */
    draw(names, series, words) {
        this.#canvas.setAttribute("aria-label", words);
        if (!this.#chart)
            return;
        this.#chart.data.labels = names;
        series.forEach((values, index) => {
            this.#chart.data.datasets[index].data = values;
        });
        this.#chart.update("none");
    }

    destroy() {
        this.#chart?.destroy();
    }
}

/** Values over time; keeps the last `points`. */
export class Timeline {
    #drawing;
    #times = [];
    #series;
    #points;

    constructor(canvas, labels, points) {
        this.#drawing = new Drawing(canvas, "line", labels);
        this.#series = labels.map(() => []);
        this.#points = points;
    }

    add(time, values, words) {
        this.#times.push(time);
        values.forEach((value, index) => this.#series[index].push(value));
        if (this.#times.length > this.#points)
            [this.#times, ...this.#series].forEach((list) => list.shift());
        this.#drawing.draw(this.#times, this.#series, words);
    }

    clear() {
        [this.#times, ...this.#series].forEach((list) => list.splice(0));
        this.#drawing.draw(this.#times, this.#series, "nothing yet");
    }
}

/** Bars, side by side over time or, for names, one below the other. */
export class Bars {
    #drawing = null;
    #horizontal = null;
    #canvas;
    #labels;

    constructor(canvas, labels) {
        this.#canvas = canvas;
        this.#labels = labels;
    }

    draw(names, series, words, horizontal) {
        place(this.#canvas).hidden = !library || names.length === 0;
        if (horizontal !== this.#horizontal) {
            this.#drawing?.destroy();
            this.#drawing = new Drawing(this.#canvas, "bar", this.#labels, { horizontal });
            this.#horizontal = horizontal;
        }
        this.#drawing.draw(names, series, words);
    }
}
