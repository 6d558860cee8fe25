// What every Node client script here shares: the request on standard input, JSON lines on standard output, SAS tokens.
//
// A script reads one JSON object (one line) from standard input and prints one JSON object a line. What a peer refuses is
// data: it is printed as an "error" line and the script goes on or ends with exit code 0.
import { createHash, createHmac } from "node:crypto";
import { createInterface } from "node:readline";

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();

/** The next line of standard input: first the request, later what the test tells a script that waits. */
export async function next() {
    const { value, done } = await lines.next();
    return done ? null : JSON.parse(value);
}

export function emit(event, fields = {}) {
    process.stdout.write(JSON.stringify({ event, ...fields }, (_, value) => (typeof value === "bigint" ? Number(value) : value)) + "\n");
}

export function emitError(failure, fields = {}) {
    emit("error", { name: failure.name, condition: failure.condition ?? failure.code ?? null, description: failure.description ?? failure.message ?? String(failure), retryable: failure.retryable, ...fields });
}

/** Runs a script: one request in, a "done" or "error" line out, and an end even when a library keeps a timer. */
export async function run(scenarios) {
    const ask = await next();
    try {
        await scenarios[ask.scenario](ask);
        emit("done");
    } catch (failure) {
        emitError(failure, { stack: failure.stack });
    }
    process.stdout.write("", () => process.exit(0));
}

export const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Resolves to what `promise` gives, or rejects after `ms` naming what was waited for. */
export function within(ms, what, promise) {
    let timer;
    const late = new Promise((_, reject) => { timer = setTimeout(() => reject(new Error(`waited ${ms} ms for ${what}`)), ms); });
    return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

export const sha256 = (data) => createHash("sha256").update(data).digest("hex");

/** The same bytes in every language: `index` in decimal and a colon, then a repeated alphabet, `size` bytes in all. */
export function body(index, size) {
    const text = `${index}:` + "abcdefghijklmnopqrstuvwxyz".repeat(Math.floor(size / 26) + 1);
    return Buffer.from(text, "ascii").subarray(0, size);
}

/** An IoT Hub token: signed with the base64-decoded key over the encoded resource as it stands in the token. */
export function sasToken(resource, key, policy = null, seconds = 3600) {
    const encoded = encodeURIComponent(resource);
    const expiry = Math.floor(Date.now() / 1000) + seconds;
    const signature = createHmac("sha256", Buffer.from(key, "base64")).update(`${encoded}\n${expiry}`).digest("base64");
    const token = `SharedAccessSignature sr=${encoded}&sig=${encodeURIComponent(signature)}&se=${expiry}`;
    return policy ? `${token}&skn=${policy}` : token;
}
