// Microsoft's device SDK for Node (azure-iot-device with azure-iot-device-amqp), many devices in one process.
//
// Request: scenario "send"; devices: [connection string], perDevice, webSocket, parallel (messages in flight a device),
// pauseMs (between messages), token {validSeconds, marginSeconds} (renewed every valid - margin seconds), prefix.
// Prints "renewed" (deviceId), "disconnected" (deviceId, description), and "done" after "sent" (count, byDevice).
import device from "azure-iot-device";
import common from "azure-iot-common";
import transports from "azure-iot-device-amqp";
import { emit, emitError, pause, run } from "./shim.mjs";

const { Client, ModuleClient, Message, SharedAccessKeyAuthenticationProvider } = device;

function open(connectionString, ask) {
    const transport = ask.webSocket ? transports.AmqpWs : transports.Amqp;
    const fields = common.ConnectionString.parse(connectionString);
    const token = ask.token ?? { validSeconds: 3600, marginSeconds: 900 };
    const provider = SharedAccessKeyAuthenticationProvider.fromConnectionString(connectionString, token.validSeconds, token.marginSeconds);
    provider.on("newTokenAvailable", () => emit("renewed", { deviceId: fields.DeviceId }));
    const client = (fields.ModuleId ? ModuleClient : Client).fromAuthenticationProvider(provider, transport);
    client.on("disconnect", (failure) => emit("disconnected", { deviceId: fields.DeviceId, description: String(failure?.message ?? failure ?? "") }));
    client.on("error", (failure) => emitError(failure, { deviceId: fields.DeviceId }));
    client.setRetryPolicy(new common.NoRetry());
    return { client, provider, deviceId: fields.DeviceId };
}

function message(ask, deviceId, index) {
    const event = new Message(JSON.stringify({ deviceId, index }));
    event.messageId = `${ask.prefix}-${deviceId}-${index}`;
    event.correlationId = `correlation-${index}`;
    event.contentType = "application/json";
    event.contentEncoding = "utf-8";
    event.properties.add("index", String(index));
    return event;
}

async function sendAll(connectionString, ask) {
    const { client, provider, deviceId } = open(connectionString, ask);
    await client.open();
    const inFlight = new Set();
    for (let index = 0; index < ask.perDevice; index++) {
        const event = message(ask, deviceId, index);
        const sent = (ask.output ? client.sendOutputEvent(ask.output, event) : client.sendEvent(event)).finally(() => inFlight.delete(sent));
        inFlight.add(sent);
        if (inFlight.size >= (ask.parallel ?? 10)) { await Promise.race(inFlight); }
        if (ask.pauseMs) { await pause(ask.pauseMs); }
    }
    await Promise.all(inFlight);
    await client.close();
    provider.stop();
    return ask.perDevice;
}

async function send(ask) {
    const counts = await Promise.all(ask.devices.map((connectionString) => sendAll(connectionString, ask)));
    emit("sent", { count: counts.reduce((sum, count) => sum + count, 0) });
}

await run({ send });
