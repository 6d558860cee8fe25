// Microsoft's service SDK for Node (azure-iothub): the Registry with all that this hub serves.
//
// Request: scenario; connectionString (of a policy that may write); weakConnectionString (of one that may not); prefix for
// the ids of its own. Prints a "result" line for each step, with "refused" for what the hub did not take, and "done".
import azureIothub from "azure-iothub";
import { emit, run } from "./shim.mjs";

const { Registry } = azureIothub;

/** Calls one operation and prints what it gave, or how it was refused. */
async function step(name, operation, show = (body) => body) {
    try {
        const { responseBody, httpResponse } = await operation();
        const result = show(responseBody);
        emit("result", { step: name, status: httpResponse?.statusCode ?? null, result });
        return responseBody;
    } catch (failure) {
        let body = null;
        try { body = JSON.parse(failure.responseBody); } catch { /* not every refusal is the hub's */ }
        emit("result", {
            step: name, refused: failure.name, text: failure.message, status: failure.response?.statusCode ?? null,
            code: failure.response?.headers["iothub-errorcode"] ?? null, body,
        });
        return null;
    }
}

const ids = (list) => list.map((each) => each.moduleId ?? each.deviceId).sort();

async function devices({ connectionString, weakConnectionString, prefix }) {
    const registry = Registry.fromConnectionString(connectionString);
    const id = `${prefix}-1`;
    const keys = (device) => {
        const { primaryKey, secondaryKey } = device.authentication.symmetricKey;
        return { primary: primaryKey.length, secondary: secondaryKey.length, differ: primaryKey !== secondaryKey };
    };
    const created = await step("create", () => registry.create({ deviceId: id, status: "enabled" }), keys);
    await step("createAgain", () => registry.create({ deviceId: id }));
    await step("get", () => registry.get(id), (device) => ({
        status: device.status, connectionState: device.connectionState, sameEtag: device.etag === created.etag,
        sameKey: device.authentication.symmetricKey.primaryKey === created.authentication.symmetricKey.primaryKey,
    }));
    await step("update", () => registry.update({ deviceId: id, status: "disabled", statusReason: "spare" }), (device) => ({
        status: device.status, reason: device.statusReason, newEtag: device.etag !== created.etag,
        sameKey: device.authentication.symmetricKey.primaryKey === created.authentication.symmetricKey.primaryKey,
    }));
    await step("updateMissing", () => registry.update({ deviceId: `${prefix}-none`, status: "enabled" }));
    await step("getMissing", () => registry.get(`${prefix}-none`));
    await step("badId", () => registry.create({ deviceId: "not valid" }));
    await step("weakPolicy", () => Registry.fromConnectionString(weakConnectionString).get(id));
    const strange = `${prefix}:a%2Fb#c?d+e=f;g'h!i(j)*@,$_.%41`;
    await step("createStrange", () => registry.create({ deviceId: strange }), (device) => device.deviceId === strange);
    await step("getStrange", () => registry.get(strange), (device) => device.deviceId === strange);
    await step("thumbprint", () => registry.create({
        deviceId: `${prefix}-x509`,
        authentication: { x509Thumbprint: { primaryThumbprint: "a".repeat(40), secondaryThumbprint: "b".repeat(40) } },
    }), (device) => device.authentication.type);
    await step("list", () => registry.list(), (list) => ids(list).filter((each) => each.startsWith(prefix)).length);
    await step("twin", () => registry.getTwin(id));
    await step("delete", () => registry.delete(strange));
    await step("deleteAgain", () => registry.delete(strange));
}

async function modules({ connectionString, prefix }) {
    const registry = Registry.fromConnectionString(connectionString);
    const deviceId = `${prefix}-m`;
    await step("create", () => registry.create({ deviceId, capabilities: { iotEdge: true } }), (device) => device.deviceScope);
    const added = await step("add", () => registry.addModule({ deviceId, moduleId: "m1" }), (module) => module.moduleId);
    await step("addAgain", () => registry.addModule({ deviceId, moduleId: "m1" }));
    await step("list", () => registry.getModulesOnDevice(deviceId), ids);
    const updated = await step("update", () => registry.updateModule({ ...added, managedBy: "me" }), (module) => module.managedBy);
    await step("updateStale", () => registry.updateModule(added));
    await step("updateForced", () => registry.updateModule({ ...added, managedBy: "you" }, true), (module) => module.managedBy);
    // The SDK takes a module, and with it the etag, in the form with a callback only.
    await step("removeStale", () => new Promise((resolve, reject) => {
        registry.removeModule(updated, (failure, responseBody, httpResponse) => (failure ? reject(failure) : resolve({ responseBody, httpResponse })));
    }));
    await step("remove", () => registry.removeModule(deviceId, "m1"));
    await step("getMissing", () => registry.getModule(deviceId, "m1"));
    await step("systemModule", () => registry.removeModule(deviceId, "$edgeHub"));
}

async function bulk({ connectionString, prefix }) {
    const registry = Registry.fromConnectionString(connectionString);
    const all = Array.from({ length: 100 }, (_, index) => ({ deviceId: `${prefix}-b${String(index).padStart(3, "0")}` }));
    await step("add", () => registry.addDevices(all));
    await step("addAgain", () => registry.addDevices(all.slice(0, 2)));
    const first = (await registry.get(all[0].deviceId)).responseBody;
    await step("update", () => registry.updateDevices(all.map((each) => ({ ...each, status: "disabled" })), true));
    await step("updateStale", () => registry.updateDevices([{ ...first, status: "enabled" }], false));
    const fresh = (await registry.get(all[0].deviceId)).responseBody;
    await step("updateFresh", () => registry.updateDevices([{ ...fresh, status: "enabled" }], false));
    await step("statistics", () => registry.getRegistryStatistics());
    await step("removeStale", () => registry.removeDevices([fresh, { deviceId: `${prefix}-none`, etag: "x" }], false));
    await step("remove", () => registry.removeDevices(all, true));
}

async function query({ connectionString, prefix, count, pageSize }) {
    const registry = Registry.fromConnectionString(connectionString);
    const all = Array.from({ length: count }, (_, index) => ({ deviceId: `${prefix}-q${String(index).padStart(3, "0")}` }));
    await registry.addDevices(all);
    const read = async (text, next) => {
        const pages = [];
        const question = registry.createQuery(text, pageSize);
        while (question.hasMoreResults) {
            const page = await next(question);
            pages.push((page.result ?? page).map((row) => row.deviceId ?? row.id));
        }
        return pages;
    };
    const condition = `WHERE STARTSWITH(deviceId, '${prefix}-q')`;
    emit("result", { step: "twins", result: await read(`SELECT * FROM devices ${condition}`, (q) => q.nextAsTwin()) });
    emit("result", { step: "columns", result: await read(`SELECT deviceId AS id FROM devices ${condition}`, (q) => q.next(q.continuationToken)) });
    await step("wrong", async () => ({ responseBody: await registry.createQuery("SELECT nothing").next() }));
    await registry.removeDevices(all, true);
}

await run({ devices, modules, bulk, query });
