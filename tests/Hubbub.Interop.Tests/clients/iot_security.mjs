// Microsoft's device SDK for Node with what proves a device: a key in the connection string, or a certificate.
//
// Request: scenario "send" (one event) or "hold" (an event every 50 ms until the hub says no); connectionString, cert and key
// (PEM, for x509=true), webSocket. Prints "sent" after the first event, and when the hub has said no "refused" (name, at in ms).
import device from "azure-iot-device";
import common from "azure-iot-common";
import transports from "azure-iot-device-amqp";
import { emit, pause, run } from "./shim.mjs";

async function open(ask) {
    const client = device.Client.fromConnectionString(ask.connectionString, ask.webSocket ? transports.AmqpWs : transports.Amqp);
    client.setRetryPolicy(new common.NoRetry());
    if (ask.cert) { await client.setOptions({ cert: ask.cert, key: ask.key }); }
    client.on("error", () => {});
    return client;
}

function refused(failure) {
    emit("refused", { name: failure?.name ?? "Error", description: String(failure?.message ?? failure), at: Date.now() });
}

async function send(ask) {
    try {
        const client = await open(ask);
        await client.open();
        await client.sendEvent(new device.Message("x"));
        emit("sent");
        await client.close();
    } catch (failure) {
        refused(failure);
    }
}

async function hold(ask) {
    try {
        const client = await open(ask);
        let ended = null;
        client.on("disconnect", (reason) => { ended ??= reason?.transportObj ?? reason ?? new Error("disconnected"); });
        await client.open();
        await client.sendEvent(new device.Message("x"));
        emit("sent");
        while (!ended) {
            await client.sendEvent(new device.Message("x"));
            await pause(50);
        }
        refused(ended);
    } catch (failure) {
        refused(failure);
    }
}

await run({ send, hold });
