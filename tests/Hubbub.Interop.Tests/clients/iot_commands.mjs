// Microsoft's service SDK (azure-iothub) sends commands and reads feedback, its device SDK (azure-iot-device) receives.
//
// Request: scenario; service (connection string); devices: [connection string] that listen, modules too; webSocket; and by scenario
//   play   commands: [{deviceId, id, ack, body, bodySize, expiresInMs, properties, system}], actions: {id: [complete, reject,
//          abandon]} (the last one repeats; default complete), records (feedback to wait for), quietMs (then none may come).
//          Prints "sent" or "refused" a command, "command" a delivery, "feedback" a record.
//   hold   the devices listen ("listening"), and a line {"open": index} on standard input opens one more client; {"end": true}
//          ends. Prints "command" (client, id) and "lost" (client, name, condition, description).
import common from "azure-iot-common";
import device from "azure-iot-device";
import transports from "azure-iot-device-amqp";
import service from "azure-iothub";
import { AmqpWs as ServiceWebSocket } from "azure-iothub/dist/amqp_ws.js";
import { emit, next, pause, run, within } from "./shim.mjs";

function openDevice(connectionString, ask, client, onCommand) {
    const fields = common.ConnectionString.parse(connectionString);
    const kind = fields.ModuleId ? device.ModuleClient : device.Client;
    const link = kind.fromConnectionString(connectionString, ask.webSocket ? transports.AmqpWs : transports.Amqp);
    link.setRetryPolicy(new common.NoRetry());
    link.on("error", () => {});
    link.on("disconnect", ({ transportObj }) => {
        const cause = transportObj?.innerError ?? transportObj;
        const failure = cause?.amqpError ?? cause;
        emit("lost", { client, name: transportObj?.name ?? null, condition: failure?.condition ?? null, description: String(failure?.description ?? "") });
    });
    return link.open().then(() => {
        if (fields.ModuleId) {
            link.on("inputMessage", (_, message) => onCommand(link, message, fields.DeviceId));
        } else {
            link.on("message", (message) => onCommand(link, message, fields.DeviceId));
        }
        return link;
    });
}

async function openService(ask) {
    const client = service.Client.fromConnectionString(ask.service, ask.webSocket ? ServiceWebSocket : undefined);
    client.setRetryPolicy(new common.NoRetry());
    await client.open();
    return client;
}

function messageOf(command) {
    const message = new common.Message(command.bodySize ? Buffer.alloc(command.bodySize, "x") : command.body ?? command.id);
    message.messageId = command.id;
    message.ack = command.ack ?? "full";
    if (command.expiresInMs) { message.expiryTimeUtc = Date.now() + command.expiresInMs; }
    for (const [name, value] of Object.entries(command.properties ?? {})) { message.properties.add(name, value); }
    return Object.assign(message, command.system ?? {});
}

function describe(message, deviceId) {
    const properties = {};
    for (let index = 0; index < message.properties.count(); index++) {
        const { key, value } = message.properties.getItem(index);
        properties[key] = value;
    }
    const annotations = message.transportObj?.message_annotations ?? {};
    return {
        deviceId, id: message.messageId, body: message.data.toString(), to: message.to, ack: message.ack, properties,
        correlationId: message.correlationId, contentType: message.contentType, contentEncoding: message.contentEncoding,
        userId: message.userId ? Buffer.from(message.userId).toString() : null, deliveryCount: Number(annotations["iothub-deliverycount"] ?? -1),
        lockToken: annotations["x-opt-lock-token"] ?? null,
    };
}

async function play(ask) {
    const client = await openService(ask);
    const receiver = (await client.getFeedbackReceiver()).result;
    let records = 0, enough;
    const told = new Promise((resolve) => { enough = resolve; });
    receiver.on("message", (message) => {
        for (const record of JSON.parse(message.getData().toString())) {
            emit("feedback", { contentType: message.contentType, at: Date.now(), ...record });
            records++;
        }
        receiver.complete(message, () => {});
        if (records >= (ask.records ?? 0)) { enough(); }
    });
    const seen = {};
    // One after the other: what is settled in one turn of the event loop rhea 3.0.5 puts into one disposition, and the second
    // delivery gets the outcome of the first, whatever its own is.
    let settling = Promise.resolve();
    const devices = await Promise.all((ask.devices ?? []).map((connectionString, index) => openDevice(connectionString, ask, index,
        (link, message, deviceId) => {
            emit("command", describe(message, deviceId));
            const plan = ask.actions?.[message.messageId] ?? ["complete"];
            const turn = seen[message.messageId] = (seen[message.messageId] ?? 0) + 1;
            const action = plan[Math.min(turn, plan.length) - 1];
            settling = settling.then(() => link[action](message))
                .catch((failure) => emit("error", { name: failure.name, description: failure.message }))
                .then(() => new Promise(setImmediate));
        })));
    for (const command of ask.commands) {
        try {
            await client.send(command.deviceId, messageOf(command));
            emit("sent", { id: command.id, at: Date.now() });
        } catch (failure) {
            emit("refused", { id: command.id, name: failure.name, condition: failure.amqpError?.condition ?? null });
        }
    }
    if (ask.records) { await within(30000, `${ask.records} feedback records`, told); }
    await pause(ask.quietMs ?? 300);
    for (const link of devices) { link.removeAllListeners("disconnect"); }
    await Promise.all(devices.map((link) => link.close()));
    await client.close();
}

async function hold(ask) {
    let count = 0;
    const open = async (index) => {
        const client = count++;
        await openDevice(ask.devices[index], ask, client, (link, message) => {
            emit("command", { client, id: message.messageId });
            if (ask.complete) { link.complete(message).catch(() => {}); }
        });
        emit("listening", { client });
    };
    for (let index = 0; index < ask.devices.length; index++) { await open(index); }
    for (let told = await next(); told && !told.end; told = await next()) { await open(told.open); }
}

await run({ play, hold });
