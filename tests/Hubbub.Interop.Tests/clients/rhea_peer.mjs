// npm's rhea as a plain AMQP 1.0 peer: a device's sender and a reader of events, SASL PLAIN or CBS on a bare AMQP header.
//
// Request: scenario; host, port, tls (with NODE_EXTRA_CA_CERTS), hub, device {id, key, resource},
// policy {name, key, resource}, events (the entity's address without partition), partition, maxFrame; scenario's own
// fields. Prints "sent" (id, outcome, condition), "received" (id, deviceId, size, sha256, sequence, offset) and "done".
import { once } from "node:events";
import rhea from "rhea";
import { body, emit, emitError, pause, run, sasToken, sha256, within } from "./shim.mjs";

const { types, message: codec } = rhea;

function open(ask, options) {
    const container = rhea.create_container();
    const connection = container.connect({
        host: ask.host, port: ask.port, hostname: ask.hub, transport: ask.tls ? "tls" : "tcp", servername: ask.host,
        reconnect: false, ...(ask.maxFrame ? { max_frame_size: ask.maxFrame } : {}), ...options,
    });
    connection.on("connection_error", () => {});
    connection.on("disconnected", (context) => { if (context.error) { emitError(context.error, { where: "disconnected" }); } });
    return within(10000, "the connection", new Promise((resolve, reject) => {
        connection.once("connection_open", () => resolve(connection));
        connection.once("disconnected", (context) => reject(context.error ?? connection.error ?? new Error("disconnected before open")));
    }));
}

function asDevice(ask, options = {}) {
    const { id, key, resource } = ask.device;
    return open(ask, { username: `${id}@sas.${ask.hub}`, password: sasToken(resource, key), ...options });
}

function asService(ask, options = {}) {
    const { name, key, resource } = ask.policy;
    return open(ask, { username: `${name}@sas.root.${ask.hub}`, password: sasToken(resource, key, name), ...options });
}

const telemetry = (ask, id = ask.device.id) => `/devices/${id}/messages/events`;
const partition = (ask) => `${ask.events}/ConsumerGroups/$Default/Partitions/${ask.partition}`;

function attached(link, kind) {
    return within(10000, `the attach of ${link.name}`, new Promise((resolve, reject) => {
        link.once(`${kind}_open`, () => setImmediate(() => resolve(link)));
        link.once(`${kind}_error`, () => reject(link.error));
    }));
}

function openSender(connection, address, options = {}) {
    return attached(connection.open_sender({ target: address, ...options }), "sender");
}

function openReader(connection, ask, afterSequence, options = {}) {
    const selector = types.wrap_described(`amqp.annotation.x-opt-sequence-number > '${afterSequence}'`, 0x468c00000004);
    const link = connection.open_receiver({
        source: { address: partition(ask), filter: { "apache.org:selector-filter:string": selector } },
        credit_window: 0, autoaccept: true, ...options,
    });
    link.queue = [];
    link.on("message", (context) => { link.queue.push(context.message); link.emit("arrived"); });
    return attached(link, "receiver");
}

/** One message, and how the hub settled it: outcome and, when refused, the condition. */
async function send(sender, id, data, format = undefined) {
    if (!sender.sendable()) { await within(10000, "credit", once(sender, "sendable")); }
    const outcomes = ["accepted", "rejected", "released", "modified"];
    const listeners = [];
    const settled = new Promise((resolve) => {
        for (const outcome of outcomes) {
            listeners.push([outcome, ({ delivery }) => {
                const error = delivery.remote_state?.error;
                if (delivery.id === sent.id) { resolve({ outcome, condition: error?.condition ?? null, description: error?.description ?? null }); }
            }]);
        }
        listeners.push(["sender_error", () => resolve({ outcome: "detached", condition: sender.error?.condition ?? null })]);
    });
    for (const [name, listener] of listeners) { sender.on(name, listener); }
    const message = { message_id: id, content_type: "application/octet-stream", application_properties: { id }, body: codec.data_section(data) };
    const sent = format === undefined ? sender.send(message) : sender.send(data, undefined, format);
    emit("sent", { id, ...(await within(20000, `the outcome of ${id}`, settled)) });
    for (const [name, listener] of listeners) { sender.removeListener(name, listener); }
}

async function receive(link, count) {
    let last = null;
    for (let index = 0; index < count; index++) {
        if (link.queue.length === 0) { await within(20000, `message ${index + 1} of ${count}`, once(link, "arrived")); }
        last = link.queue.shift();
        const annotations = last.message_annotations ?? {};
        const data = last.body?.content ?? Buffer.alloc(0);
        emit("received", {
            id: last.message_id, deviceId: annotations["iothub-connection-device-id"], size: data.length, sha256: sha256(data),
            sequence: Number(annotations["x-opt-sequence-number"]), offset: annotations["x-opt-offset"], properties: last.application_properties,
        });
    }
    return last;
}

const sequenceOf = (message) => Number(message.message_annotations["x-opt-sequence-number"]);

/** Messages of the given sizes out and back again, in frames no larger than maxFrame both ways. */
async function transfer(ask) {
    const sender = await openSender(await asDevice(ask), telemetry(ask));
    for (const [index, size] of ask.sizes.entries()) { await send(sender, `${ask.prefix}-${index}`, body(index, size)); }
    const reader = await openReader(await asService(ask), ask, ask.afterSequence);
    reader.add_credit(ask.expected);
    await receive(reader, ask.expected);
}

/** Credit that finds nothing is handed back when drained; credit that finds something is used first. */
async function drain(ask) {
    const reader = await openReader(await asService(ask), ask, ask.afterSequence);
    const drained = () => within(10000, "the drained flow", once(reader, "receiver_drained"));
    let empty = drained();
    reader.drain = true;
    reader.add_credit(10);
    await empty;
    emit("drained", { credit: reader.credit, received: reader.queue.length });
    reader.drain = false;
    const sender = await openSender(await asDevice(ask), telemetry(ask));
    for (let index = 0; index < 3; index++) { await send(sender, `${ask.prefix}-${index}`, body(index, 100)); }
    empty = drained();
    reader.drain = true;
    reader.add_credit(10);
    await receive(reader, 3);
    await empty;
    emit("drained", { credit: reader.credit, received: 3 });
    reader.drain = false;
    await send(sender, `${ask.prefix}-3`, body(3, 100));
    reader.add_credit(1);
    await receive(reader, 1);
}

/** A link is detached and attached again by the same name, on the same session and on a new connection. */
async function reattach(ask) {
    const device = await asDevice(ask);
    for (let attempt = 0; attempt < 3; attempt++) {
        const sender = await openSender(device, telemetry(ask), { name: "the-sender" });
        await send(sender, `${ask.prefix}-${attempt}`, body(attempt, 50));
        const closed = once(sender, "sender_close");
        sender.close();
        await within(5000, "the detach", closed);
    }
    let service = await asService(ask);
    let position = ask.afterSequence;
    for (let attempt = 0; attempt < 3; attempt++) {
        const reader = await openReader(service, ask, position, { name: "the-reader" });
        reader.add_credit(1);
        position = sequenceOf(await receive(reader, 1));
        const closed = once(reader, "receiver_close");
        reader.close();
        await within(5000, "the detach", closed);
    }
    service.close();
    await send(await openSender(device, telemetry(ask), { name: "the-sender" }), `${ask.prefix}-3`, body(3, 50));
    const reader = await openReader(await asService(ask), ask, position, { name: "the-reader" });
    reader.add_credit(1);
    await receive(reader, 1);
}

/** Silence for longer than this side's idle time-out: only the hub's empty frames keep the connection. */
async function heartbeat(ask) {
    const device = await asDevice(ask, { idle_time_out: ask.idleSeconds * 1000 });
    const sender = await openSender(device, telemetry(ask));
    await send(sender, `${ask.prefix}-0`, body(0, 10));
    await pause(ask.silentSeconds * 1000);
    await send(sender, `${ask.prefix}-1`, body(1, 10));
}

/** Many links of one session, each with its own name and credit. */
async function links(ask) {
    const device = await asDevice(ask);
    const senders = await Promise.all(Array.from({ length: ask.links }, (_, index) => openSender(device, telemetry(ask), { name: `link-${index}` })));
    await Promise.all(senders.map((sender, index) => send(sender, `${ask.prefix}-${index}`, body(index, 64))));
    const reader = await openReader(await asService(ask), ask, ask.afterSequence);
    reader.add_credit(ask.links);
    await receive(reader, ask.links);
}

/** One transfer in the batched format 0x80013700: each data section is a whole encoded message. */
async function batched(ask) {
    const sender = await openSender(await asDevice(ask), telemetry(ask));
    const inner = ask.sizes.map((size, index) => codec.encode({ message_id: `${ask.prefix}-${index}`, application_properties: { id: `${ask.prefix}-${index}` }, body: codec.data_section(body(index, size)) }));
    await send(sender, `${ask.prefix}-batch`, codec.encode({ body: codec.data_sections(inner) }), 0x80013700);
    const reader = await openReader(await asService(ask), ask, ask.afterSequence);
    reader.add_credit(ask.expected);
    await receive(reader, ask.expected);
}

/** Attaches what this device may not have; each answer is a detach with a condition, and the good link goes on. */
async function refuse(ask) {
    const device = await asDevice(ask);
    for (const address of ask.addresses) {
        try {
            const link = device.open_sender({ target: address });
            const refused = new Promise((_, reject) => link.once("sender_error", () => reject(link.error)));
            await within(5000, "an answer", Promise.race([refused, once(link, "sendable")]));
            emit("attached", { address });
        } catch (failure) {
            emit("refused", { address, condition: failure.condition, description: failure.description });
        }
    }
    await send(await openSender(device, telemetry(ask)), `${ask.prefix}-0`, body(0, 10));
}

/** put-token on one connection for several devices; prints the reply's status for each. */
async function cbsLink(connection) {
    const sender = await openSender(connection, "$cbs");
    const reader = connection.open_receiver({ source: "$cbs" });
    const waiting = new Map();
    reader.on("message", (context) => waiting.get(context.message.correlation_id)?.(context.message.application_properties));
    await attached(reader, "receiver");
    let count = 0;
    return async (name, token) => {
        const id = `token-${count++}`;
        const reply = new Promise((resolve) => waiting.set(id, resolve));
        sender.send({ message_id: id, to: "$cbs", reply_to: "cbs", body: token, application_properties: { operation: "put-token", type: "servicebus.windows.net:sastoken", name } });
        return within(5000, "the put-token reply", reply);
    };
}

/**
 * Devices on one bare-header connection by CBS. `devices` say when their token ends and whether it is renewed; the hub
 * takes tokens until five minutes after their end, so an end 297 s ago leaves 3 s. After `waitMs` each says how it fares.
 */
async function expiry(ask) {
    const connection = await open(ask, {});
    const putToken = await cbsLink(connection);
    const links = [];
    for (const one of ask.devices) {
        const reply = await putToken(one.resource, sasToken(one.resource, one.key, null, one.tokenSeconds));
        emit("token", { deviceId: one.id, status: reply["status-code"], description: reply["status-description"] });
        const link = await openSender(connection, telemetry(ask, one.id));
        links.push({ one, link });
        link.on("sender_error", () => emit("detached", { deviceId: one.id, condition: link.error?.condition, description: link.error?.description }));
        await send(link, `${ask.prefix}-${one.id}-before`, body(0, 10));
    }
    await pause(ask.renewAfterMs);
    for (const { one } of links.filter(({ one }) => one.renew)) {
        const reply = await putToken(one.resource, sasToken(one.resource, one.key, null, 3600));
        emit("token", { deviceId: one.id, status: reply["status-code"], description: reply["status-description"] });
    }
    await pause(ask.waitMs);
    for (const { one, link } of links.filter(({ link }) => link.is_open())) { await send(link, `${ask.prefix}-${one.id}-after`, body(1, 10)); }
    for (const bad of ask.badTokens ?? []) {
        const reply = await putToken(bad.resource, sasToken(bad.resource, bad.key, null, bad.tokenSeconds));
        emit("token", { deviceId: bad.id, status: reply["status-code"], description: reply["status-description"] });
    }
}

await run({ transfer, drain, reattach, heartbeat, links, batched, refuse, expiry });
