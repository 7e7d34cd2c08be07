// Verifies a webhook of Carefield (Standard Webhooks 1.0.0). Needs nothing but Node 18.
//
//   const event = verify(rawBody, request.headers, ["whsec_..."]);
//   if (!seen(request.headers["webhook-id"])) handle(event);   // at least once: drop what you have

import { createHmac, timingSafeEqual } from "node:crypto";

export class Rejected extends Error {}

// `body`: the raw Buffer as it came. `secrets`: the present one, and while keys are changed the next.
export function verify(body, headers, secrets, { tolerance = 300, now = Date.now() / 1000 } = {}) {
  const lower = Object.fromEntries(Object.entries(headers).map(([k, v]) => [k.toLowerCase(), v]));
  const [id, at, signatures] = ["id", "timestamp", "signature"].map((n) => lower[`webhook-${n}`]);
  if (!id || !signatures || !/^\d+$/.test(at ?? "")) {
    throw new Rejected("a header is missing or wrong");
  }
  if (Math.abs(now - Number(at)) > tolerance) throw new Rejected("too old, or from the future");
  const sent = signatures.split(" ").filter((s) => s.startsWith("v1,"));
  for (const secret of secrets) {
    const key = Buffer.from(secret.replace(/^whsec_/, ""), "base64");
    const content = Buffer.concat([Buffer.from(`${id}.${at}.`), body]);
    const wanted = Buffer.from(`v1,${createHmac("sha256", key).update(content).digest("base64")}`);
    for (const one of sent.map((s) => Buffer.from(s))) {
      if (one.length === wanted.length && timingSafeEqual(one, wanted)) return JSON.parse(body);
    }
  }
  throw new Rejected("no signature fits");
}
