using System.Runtime.CompilerServices;
using Hubbub.Core.Identities;
using Microsoft.Data.Sqlite;

namespace Hubbub.Storage.State;

/// <summary>
/// The tables of devices and modules, by the numbers that the registry gives: many new ones are appended, wherever
/// their ids would sort. Nothing is looked up here, for the registry has everything. Used on the writer's thread only.
/// </summary>
internal sealed class IdentityTables(SqliteConnection connection) : IDisposable
{
    private const int DevicesStatusShift = 1;
    private const int EdgeShift = 4;

    private readonly RawStatement _putDevice = new(connection, """
        REPLACE INTO device (number, device_id, generation_id, etag, status, authentication_type, iot_edge, keys,
          primary_thumbprint, secondary_thumbprint, status_reason, status_updated_ticks, device_scope, parent_scopes)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
        """);

    private readonly RawStatement _putModule = new(connection, """
        REPLACE INTO module (number, device_id, module_id, generation_id, etag, authentication_type, keys,
          primary_thumbprint, secondary_thumbprint, managed_by)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
        """);

    private readonly RawStatement _deleteDevice = new(connection, "DELETE FROM device WHERE number = ?");
    private readonly RawStatement _deleteModule = new(connection, "DELETE FROM module WHERE number = ?");

    public void Write(IdentityWrite write)
    {
        switch (write)
        {
            case IdentityWrite.PutDevice put:
                Put(put);
                break;
            case IdentityWrite.PutModule put:
                Put(put);
                break;
            case IdentityWrite.DeleteDevice delete:
                Delete(_deleteDevice, delete.Number);
                break;
            case IdentityWrite.DeleteModule delete:
                Delete(_deleteModule, delete.Number);
                break;
            default:
                throw new NotSupportedException(write.GetType().Name);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)] // A start is over before the JIT would do it by itself.
    public void Load(IIdentityLoader loader)
    {
        loader.Expect(NumberEnd("device"), NumberEnd("module"));
        // The columns that few devices have are read only where one of them is there.
        using (var row = new RawStatement(connection, """
            SELECT number, device_id, generation_id, etag, keys,
              status | (authentication_type << 1) | (iot_edge << 4),
              coalesce(primary_thumbprint, status_reason, status_updated_ticks, device_scope, parent_scopes)
                IS NOT NULL,
              primary_thumbprint, secondary_thumbprint, status_reason, status_updated_ticks, device_scope, parent_scopes
            FROM device ORDER BY number
            """))
        {
            while (row.Step())
                LoadDevice(row, loader);
        }
        using (var row = new RawStatement(connection, """
            SELECT number, device_id, module_id, generation_id, etag, keys, authentication_type,
              primary_thumbprint, secondary_thumbprint, managed_by
            FROM module ORDER BY number
            """))
        {
            while (row.Step())
                LoadModule(row, loader);
        }
    }

    public void Dispose()
    {
        foreach (var statement in new[] { _putDevice, _putModule, _deleteDevice, _deleteModule })
            statement.Dispose();
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void LoadDevice(RawStatement row, IIdentityLoader loader)
    {
        var flags = row.Int64(5);
        var device = new StoredIdentity
        {
            DeviceId = row.Bytes(1),
            GenerationId = row.Bytes(2),
            ETag = row.Bytes(3),
            Keys = row.Bytes(4),
            Status = (DeviceStatus)(flags & 1),
            AuthenticationType = (AuthenticationType)((flags >> DevicesStatusShift) & 7),
            IotEdge = flags >> EdgeShift != 0,
        };
        if (row.Int64(6) != 0)
        {
            device.PrimaryThumbprint = row.Bytes(7);
            device.SecondaryThumbprint = row.Bytes(8);
            device.StatusReason = row.Bytes(9);
            device.StatusUpdatedTicks = row.Int64(10);
            device.DeviceScope = row.Bytes(11);
            device.ParentScopes = row.Bytes(12);
        }
        loader.LoadDevice((int)row.Int64(0), device);
    }

    private static void LoadModule(RawStatement row, IIdentityLoader loader) => loader.LoadModule(
        (int)row.Int64(0),
        new StoredIdentity
        {
            DeviceId = row.Bytes(1),
            ModuleId = row.Bytes(2),
            GenerationId = row.Bytes(3),
            ETag = row.Bytes(4),
            Keys = row.Bytes(5),
            AuthenticationType = (AuthenticationType)row.Int64(6),
            PrimaryThumbprint = row.Bytes(7),
            SecondaryThumbprint = row.Bytes(8),
            ManagedBy = row.Bytes(9),
        });

    private void Put(IdentityWrite.PutDevice put)
    {
        var (device, authentication) = (put.Device, put.Device.Authentication);
        _putDevice.Bind(1, put.Number);
        _putDevice.Bind(2, device.DeviceId);
        _putDevice.Bind(3, device.GenerationId);
        _putDevice.Bind(4, device.ETag);
        _putDevice.Bind(5, (long)device.Status);
        _putDevice.Bind(6, (long)authentication.Type);
        _putDevice.Bind(7, device.IotEdge ? 1 : 0);
        _putDevice.Bind(8, put.Keys.Span);
        _putDevice.Bind(9, authentication.PrimaryThumbprint);
        _putDevice.Bind(10, authentication.SecondaryThumbprint);
        _putDevice.Bind(11, device.StatusReason);
        _putDevice.Bind(12, device.StatusUpdatedTime?.UtcTicks);
        _putDevice.Bind(13, device.DeviceScope);
        _putDevice.Bind(14, device.ParentScopesText);
        _putDevice.Execute();
    }

    private void Put(IdentityWrite.PutModule put)
    {
        var (module, authentication) = (put.Module, put.Module.Authentication);
        _putModule.Bind(1, put.Number);
        _putModule.Bind(2, module.DeviceId);
        _putModule.Bind(3, module.ModuleId);
        _putModule.Bind(4, module.GenerationId);
        _putModule.Bind(5, module.ETag);
        _putModule.Bind(6, (long)authentication.Type);
        _putModule.Bind(7, put.Keys.Span);
        _putModule.Bind(8, authentication.PrimaryThumbprint);
        _putModule.Bind(9, authentication.SecondaryThumbprint);
        _putModule.Bind(10, module.ManagedBy);
        _putModule.Execute();
    }

    /// <summary>Numbers are dense, and the highest one is found at once.</summary>
    private int NumberEnd(string table)
    {
        using var row = new RawStatement(connection, $"SELECT coalesce(max(number) + 1, 0) FROM {table}");
        return row.Step() ? (int)row.Int64(0) : 0;
    }

    private static void Delete(RawStatement statement, int number)
    {
        statement.Bind(1, number);
        statement.Execute();
    }
}
