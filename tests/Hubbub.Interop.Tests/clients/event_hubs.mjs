// Microsoft's Event Hubs SDK for Node (@azure/event-hubs): properties, readers from every kind of position, epochs.
//
// Request: scenario; connectionString; optional group, webSocket (through package ws), endpoint (customEndpointAddress);
// scenario's own fields. Prints "hub", "partition", "event", "error" lines and "done".
import { EventHubConsumerClient, earliestEventPosition, latestEventPosition } from "@azure/event-hubs";
import WebSocket from "ws";
import { emit, emitError, next, pause, run, within } from "./shim.mjs";

function connect(ask, group = ask.group ?? "$Default") {
    const options = { retryOptions: { maxRetries: ask.maxRetries ?? 1, retryDelayInMs: 200, timeoutInMs: 15000 } };
    if (ask.webSocket) { options.webSocketOptions = { webSocket: WebSocket }; }
    if (ask.endpoint) { options.customEndpointAddress = ask.endpoint; }
    return new EventHubConsumerClient(group, ask.connectionString, options);
}

function position(from) {
    if (from === "earliest") { return earliestEventPosition; }
    if (from === "latest") { return latestEventPosition; }
    return from;
}

/** `{ last: n }` stands for the n events that end the partition now; everything else is a position already. */
async function resolve(client, partitionId, from) {
    if (from.last === undefined) { return position(from); }
    const { lastEnqueuedSequenceNumber } = await client.getPartitionProperties(partitionId);
    return { sequenceNumber: lastEnqueuedSequenceNumber - from.last + 1, isInclusive: true };
}

function emitEvent(event, partitionId, fields = {}) {
    emit("event", {
        partitionId,
        messageId: event.messageId, correlationId: event.correlationId, contentType: event.contentType,
        body: Buffer.isBuffer(event.body) ? event.body.toString() : event.body,
        properties: event.properties, system: event.systemProperties,
        sequence: event.sequenceNumber, offset: event.offset, enqueued: event.enqueuedTimeUtc?.getTime(),
        ...fields,
    });
}

/** Subscribes and settles to a reader that knows what it has seen and how it ended. */
function read(client, partitionId, options, onEvent = emitEvent) {
    const reader = { received: 0, lastAt: Date.now(), failure: null, tracked: null };
    reader.ended = new Promise((resolve) => { reader.end = resolve; });
    reader.subscription = client.subscribe(partitionId, {
        processEvents: async (events, context) => {
            for (const event of events) { onEvent(event, partitionId); }
            reader.received += events.length;
            reader.tracked = context.lastEnqueuedEventProperties ?? reader.tracked;
            if (events.length > 0) { reader.lastAt = Date.now(); }
        },
        processError: async (failure) => { reader.failure ??= failure; reader.end(failure); },
    }, { maxBatchSize: 200, maxWaitTimeInSeconds: 1, skipParsingBodyAsJson: true, ...options });
    return reader;
}

async function until(condition, timeoutMs, what) {
    const end = Date.now() + timeoutMs;
    while (!condition()) {
        if (Date.now() > end) { throw new Error(`waited ${timeoutMs} ms for ${what}`); }
        await pause(20);
    }
}

/** Names, counts and each partition's state. */
async function properties(ask) {
    const client = connect(ask);
    const ids = await client.getPartitionIds();
    const hub = await client.getEventHubProperties();
    emit("hub", { ids, name: hub.name, createdOn: hub.createdOn?.getTime(), partitionIds: hub.partitionIds });
    for (const id of ids) {
        const partition = await client.getPartitionProperties(id);
        emit("partition", { ...partition, lastEnqueuedOnUtc: partition.lastEnqueuedOnUtc?.getTime() });
    }
    await client.close();
}

/** Reads every named partition from its position: `expected` events in all, then listens on for `quietMs`. */
async function readAll(ask) {
    const client = connect(ask);
    const starts = await Promise.all(Object.entries(ask.from).map(async ([id, from]) => [id, await resolve(client, id, from)]));
    const readers = starts.map(([id, from]) => read(client, id, { startPosition: from }));
    const total = () => readers.reduce((sum, reader) => sum + reader.received, 0);
    const failure = () => readers.find((reader) => reader.failure)?.failure;
    await until(() => failure() || total() >= ask.expected, ask.timeoutMs ?? 30000, `${ask.expected} events (${total()} came)`).catch((late) => emit("late", { description: late.message, received: total() }));
    await pause(ask.quietMs ?? 700);
    if (failure()) { emitError(failure()); }
    emit("read", { received: total() });
    await Promise.all(readers.map((reader) => reader.subscription.close()));
    await client.close();
}

/** A reader at the end: prints what it sees until the test says stop on standard input. */
async function follow(ask) {
    const client = connect(ask);
    const reader = read(client, ask.partition, { startPosition: position(ask.from), trackLastEnqueuedEventProperties: ask.track ?? false });
    emit("started");
    await Promise.race([next(), reader.ended]);
    if (reader.failure) { emitError(reader.failure); }
    const tracked = reader.tracked;
    emit("tracked", tracked ? { sequence: tracked.sequenceNumber, offset: tracked.offset, enqueued: tracked.enqueuedOn?.getTime(), retrieved: tracked.retrievedOn?.getTime() } : { sequence: null });
    await reader.subscription.close();
    await client.close();
}

/** Readers with the given owner levels (null: none), one after the other; says how each ended. */
async function epochs(ask) {
    const readers = [];
    for (const level of ask.levels) {
        const client = connect(ask);
        const reader = read(client, ask.partition, { startPosition: position(ask.from), ...(level === null ? {} : { ownerLevel: level }) }, () => {});
        readers.push({ client, reader, level });
        await Promise.race([until(() => reader.received > 0, 15000, `reader with owner level ${level}`), reader.ended]);
        await pause(300);
    }
    for (const { reader, level } of readers) {
        emit("reader", { level, received: reader.received, name: reader.failure?.name ?? null, condition: reader.failure?.code ?? null, description: reader.failure?.message ?? null });
    }
    await Promise.all(readers.map(async ({ client, reader }) => { await reader.subscription.close(); await client.close(); }));
}

/** As many readers without an owner level as asked, each with its own connection. */
async function crowd(ask) {
    const readers = [];
    for (let index = 0; index < ask.readers; index++) {
        const client = connect(ask);
        const reader = read(client, ask.partition, { startPosition: position(ask.from) }, () => {});
        await Promise.race([until(() => reader.received > 0, 15000, `reader ${index}`), reader.ended]);
        emit("reader", { index, received: reader.received, name: reader.failure?.name ?? null, condition: reader.failure?.code ?? null, description: reader.failure?.message ?? null });
        readers.push({ client, reader });
    }
    await Promise.all(readers.map(async ({ client, reader }) => { await reader.subscription.close(); await client.close(); }));
}

/** One call that ought to be refused, and the SDK's name for the refusal. */
async function refused(ask) {
    const client = connect(ask);
    try {
        if (ask.call === "hub") { await within(20000, "hub properties", client.getEventHubProperties()); emit("served"); }
        if (ask.call === "partition") { await within(20000, "partition properties", client.getPartitionProperties(ask.partition)); emit("served"); }
        if (ask.call === "read") {
            const reader = read(client, ask.partition, { startPosition: position(ask.from ?? "earliest") });
            const failure = await within(20000, "a refusal", reader.ended);
            emitError(failure);
            await reader.subscription.close();
        }
    } catch (failure) {
        emitError(failure);
    }
    await client.close();
}

await run({ properties, readAll, follow, epochs, crowd, refused });
