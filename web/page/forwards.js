// SPDX-License-Identifier: MIT
// Ports of the concentrator that lead to a host in a site's LAN.
import { card, field, h, picture, said, table } from "./dom.js";
import { order, sections } from "./api.js";

export const every_ms = 5000;
export async function ask() {
  const all = await sections();
  return {
    forwards: all.filter((x) => x.type === "forward"),
    sites: all.filter((x) => x.type === "site").map((x) => x.name),
  };
}

function form(t, known) {
  const onsubmit = (event) => {
    event.preventDefault();
    const f = new FormData(event.target);
    const words = ["site", "protocol", "listen", "to"].map(
      (key) => `${key}=${f.get(key).trim()}`,
    );
    known.say(order("set", ["forward", f.get("name").trim(), ...words]));
  };
  const select = (name, values) =>
    h(
      "select",
      { name },
      values.map(([value, text]) => h("option", { value }, text)),
    );
  return card(
    t.add_forward,
    h(
      "form",
      { onsubmit },
      field(
        t.name,
        h("input", {
          name: "name",
          required: true,
          pattern: "[A-Za-z0-9_]+",
          size: 10,
          placeholder: "web",
        }),
      ),
      field(
        t.site,
        select(
          "site",
          known.data.sites.map((x) => [x, x]),
        ),
      ),
      field(
        t.protocol,
        select("protocol", [
          ["both", "TCP + UDP"],
          ["tcp", "TCP"],
          ["udp", "UDP"],
        ]),
      ),
      field(
        t.listen,
        h("input", { name: "listen", required: true, placeholder: "0.0.0.0:8080" }),
      ),
      field(
        t.leads_to,
        h("input", { name: "to", required: true, placeholder: "192.168.1.10:80" }),
      ),
      h("button", null, t.add),
    ),
  );
}

export function forwards(t, known) {
  const { data } = known;
  if (!data) return picture("loading", t.loading);
  if (!data.sites.length) return picture("empty", t.no_site, t.no_site_more);
  return [
    said(known.said),
    data.forwards.length
      ? card(
          t.forwards,
          table(
            [
              { text: t.name },
              { text: t.site },
              { text: t.protocol },
              { text: t.listen },
              { text: t.leads_to },
              { text: "" },
            ],
            data.forwards.map((f) => [
              h("strong", null, f.name),
              f.site,
              f.protocol === "both" ? "TCP + UDP" : f.protocol.toUpperCase(),
              f.listen,
              f.to,
              h(
                "button",
                {
                  type: "button",
                  class: "plain small",
                  "aria-label": `${t.remove}: ${f.name}`,
                  onclick: () => known.say(order("unset", ["forward", f.name])),
                },
                t.remove,
              ),
            ]),
          ),
        )
      : picture("empty", t.no_forwards, t.no_forwards_more),
    form(t, known),
  ];
}
