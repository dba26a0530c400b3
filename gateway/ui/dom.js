/* Pieces of the page. What comes from the bus only ever becomes text: there is no way in here to
 * make markup of it. */

/** An element with these attributes and children; a child that is no node is text. */
export function el(name, attributes = {}, ...children) {
    const element = document.createElement(name);
    for (const [key, value] of Object.entries(attributes))
        element.setAttribute(key, value);
    element.append(...children);
    return element;
}

/** Names and what they stand for, in a <dl>. */
export function fillTiles(list, tiles) {
    list.replaceChildren(
        ...tiles.map(([name, value]) => el("div", {}, el("dt", {}, name), el("dd", {}, value))));
}

/** A state in words and a colour: "good", "warn" or "bad". */
export function badge(text, kind) {
    return el("span", { class: `badge ${kind}` }, text);
}

/**
 * Makes a table of rows in `place`, or says `none` where there are none. A column is {label, of(row),
 * number}; the first one names its row. On narrow screens, where the labels come again beside the
 * values, only the roles say that it is a table.
 */
export function fillTable(place, caption, columns, rows, none) {
    if (rows.length === 0) {
        place.replaceChildren(el("p", { class: "hint" }, none));
        return;
    }
    const cell = (column, index, row) => el(index === 0 ? "th" : "td", {
        "data-label": column.label,
        ...(index === 0 ? { scope: "row", role: "rowheader" } : { role: "cell" }),
        ...(column.number && { class: "number" }),
    }, column.of(row));
    const head = columns.map((column) => el("th", {
        scope: "col", role: "columnheader", ...(column.number && { class: "number" }),
    }, column.label));
    place.replaceChildren(el("table", { "aria-label": caption, role: "table" },
        el("thead", { role: "rowgroup" }, el("tr", { role: "row" }, ...head)),
        el("tbody", { role: "rowgroup" }, ...rows.map((row) =>
            el("tr", { role: "row" }, ...columns.map((column, index) => cell(column, index, row)))))));
}
