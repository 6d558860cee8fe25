using System.Collections.Immutable;
using System.Text.Json;
using Hubbub.Core.Identities;
using Hubbub.Core.Security;
using Microsoft.Data.Sqlite;

namespace Hubbub.Storage.State;

/// <summary>The tables of devices and modules. Used on the writer's thread only.</summary>
internal sealed class IdentityTables(SqliteConnection connection, KeyCipher cipher) : IDisposable
{
    private readonly PreparedCommand _putDevice = new(connection, """
        INSERT INTO device (device_id, generation_id, etag, status, status_reason, status_updated_ticks,
          authentication_type, keys, primary_thumbprint, secondary_thumbprint, iot_edge, device_scope, parent_scopes)
        VALUES ($p0, $p1, $p2, $p3, $p4, $p5, $p6, $p7, $p8, $p9, $p10, $p11, $p12)
        ON CONFLICT (device_id) DO UPDATE SET generation_id = $p1, etag = $p2, status = $p3, status_reason = $p4,
          status_updated_ticks = $p5, authentication_type = $p6, keys = $p7, primary_thumbprint = $p8,
          secondary_thumbprint = $p9, iot_edge = $p10, device_scope = $p11, parent_scopes = $p12
        """);

    private readonly PreparedCommand _putModule = new(connection, """
        INSERT INTO module (device_id, module_id, generation_id, etag, managed_by,
          authentication_type, keys, primary_thumbprint, secondary_thumbprint)
        VALUES ($p0, $p1, $p2, $p3, $p4, $p5, $p6, $p7, $p8)
        ON CONFLICT (device_id, module_id) DO UPDATE SET generation_id = $p2, etag = $p3, managed_by = $p4,
          authentication_type = $p5, keys = $p6, primary_thumbprint = $p7, secondary_thumbprint = $p8
        """);

    private readonly PreparedCommand _deleteDevice = new(connection, "DELETE FROM device WHERE device_id = $p0");
    private readonly PreparedCommand _deleteModules = new(connection, "DELETE FROM module WHERE device_id = $p0");
    private readonly PreparedCommand _deleteModule =
        new(connection, "DELETE FROM module WHERE device_id = $p0 AND module_id = $p1");

    public void Write(IdentityWrite write)
    {
        switch (write)
        {
            case IdentityWrite.PutDevice put:
                Put(put.Device);
                break;
            case IdentityWrite.PutModule put:
                Put(put.Module);
                break;
            case IdentityWrite.DeleteDevice delete:
                _deleteDevice.Execute(delete.DeviceId);
                _deleteModules.Execute(delete.DeviceId);
                break;
            case IdentityWrite.DeleteModule delete:
                _deleteModule.Execute(delete.DeviceId, delete.ModuleId);
                break;
            default:
                throw new NotSupportedException(write.GetType().Name);
        }
    }

    public IdentitySnapshot Load()
    {
        List<DeviceIdentity> devices = [];
        using (var command = connection.CreateCommand())
        {
            command.CommandText = """
                SELECT authentication_type, keys, primary_thumbprint, secondary_thumbprint,
                  device_id, generation_id, etag, status, status_reason, status_updated_ticks,
                  iot_edge, device_scope, parent_scopes
                FROM device
                """;
            using var row = command.ExecuteReader();
            while (row.Read())
                devices.Add(ReadDevice(row));
        }
        List<ModuleIdentity> modules = [];
        using (var command = connection.CreateCommand())
        {
            command.CommandText = """
                SELECT authentication_type, keys, primary_thumbprint, secondary_thumbprint,
                  device_id, generation_id, etag, module_id, managed_by
                FROM module
                """;
            using var row = command.ExecuteReader();
            while (row.Read())
                modules.Add(ReadModule(row));
        }
        return new IdentitySnapshot(devices, modules);
    }

    public void Dispose()
    {
        foreach (var command in new[] { _putDevice, _putModule, _deleteDevice, _deleteModules, _deleteModule })
            command.Dispose();
    }

    private void Put(DeviceIdentity device)
    {
        var authentication = device.Authentication;
        _putDevice.Execute(
            device.DeviceId,
            device.GenerationId,
            device.ETag,
            (long)device.Status,
            device.StatusReason,
            device.StatusUpdatedTime?.UtcTicks,
            (long)authentication.Type,
            Encrypt(authentication.Keys, RecordOf(device.DeviceId, null, device.GenerationId)),
            authentication.PrimaryThumbprint,
            authentication.SecondaryThumbprint,
            device.IotEdge ? 1L : 0L,
            device.DeviceScope,
            device.ParentScopes.IsEmpty
                ? null
                : JsonSerializer.Serialize(device.ParentScopes, StateJson.Default.ImmutableArrayString));
    }

    private void Put(ModuleIdentity module)
    {
        var authentication = module.Authentication;
        _putModule.Execute(
            module.DeviceId,
            module.ModuleId,
            module.GenerationId,
            module.ETag,
            module.ManagedBy,
            (long)authentication.Type,
            Encrypt(authentication.Keys, RecordOf(module.DeviceId, module.ModuleId, module.GenerationId)),
            authentication.PrimaryThumbprint,
            authentication.SecondaryThumbprint);
    }

    private DeviceIdentity ReadDevice(SqliteDataReader row)
    {
        var (deviceId, generationId) = (row.GetString(4), row.GetString(5));
        return new DeviceIdentity
        {
            DeviceId = deviceId,
            GenerationId = generationId,
            ETag = row.GetString(6),
            Status = (DeviceStatus)row.GetInt32(7),
            StatusReason = Text(row, 8),
            StatusUpdatedTime = row.IsDBNull(9) ? null : new DateTimeOffset(row.GetInt64(9), TimeSpan.Zero),
            Authentication = ReadAuthentication(row, RecordOf(deviceId, null, generationId)),
            IotEdge = row.GetInt64(10) != 0,
            DeviceScope = Text(row, 11),
            ParentScopes = Text(row, 12) is { } scopes
                ? JsonSerializer.Deserialize(scopes, StateJson.Default.ImmutableArrayString)
                : ImmutableArray<string>.Empty,
        };
    }

    private ModuleIdentity ReadModule(SqliteDataReader row)
    {
        var (deviceId, generationId, moduleId) = (row.GetString(4), row.GetString(5), row.GetString(7));
        return new ModuleIdentity
        {
            DeviceId = deviceId,
            ModuleId = moduleId,
            GenerationId = generationId,
            ETag = row.GetString(6),
            ManagedBy = Text(row, 8),
            Authentication = ReadAuthentication(row, RecordOf(deviceId, moduleId, generationId)),
        };
    }

    private IdentityAuthentication ReadAuthentication(SqliteDataReader row, string record) => new()
    {
        Type = (AuthenticationType)row.GetInt32(0),
        Keys = row.IsDBNull(1) ? null : cipher.Decrypt(row.GetFieldValue<byte[]>(1), record),
        PrimaryThumbprint = Text(row, 2),
        SecondaryThumbprint = Text(row, 3),
    };

    private byte[]? Encrypt(SymmetricKeyPair? keys, string record) =>
        keys is null ? null : cipher.Encrypt(keys, record);

    private static string RecordOf(string deviceId, string? moduleId, string generationId) => moduleId is null
        ? $"device '{deviceId}' of generation {generationId}"
        : $"module '{moduleId}' of device '{deviceId}' of generation {generationId}";

    private static string? Text(SqliteDataReader row, int column) =>
        row.IsDBNull(column) ? null : row.GetString(column);
}
