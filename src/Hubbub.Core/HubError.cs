namespace Hubbub.Core;

/// <summary>
/// An expected refusal, as a value: what, which id, why, and what to do. Mapped to AMQP conditions and to HTTP
/// statuses at the edges, each in one file.
/// </summary>
/// <param name="Code">The service's error code.</param>
/// <param name="Message">A sentence for the person at the other end. Never holds a secret.</param>
public sealed record HubError(HubErrorCode Code, string Message);

/// <summary>Either a value or the reason why there is none.</summary>
public readonly struct HubResult<T>
{
    private readonly T? _value;

    private HubResult(T? value, HubError? error) => (_value, Error) = (value, error);

    /// <summary>The refusal, or null when the value is there.</summary>
    public HubError? Error { get; }

    /// <summary>True when <see cref="Value"/> may be read.</summary>
    public bool IsOk => Error is null;

    /// <summary>The value.</summary>
    /// <exception cref="InvalidOperationException">The result is a refusal; a bug in the caller.</exception>
    public T Value => Error is null
        ? _value!
        : throw new InvalidOperationException($"No value: {Error.Code}: {Error.Message}");

    public static implicit operator HubResult<T>(T value) => new(value, null);

    public static implicit operator HubResult<T>(HubError error) => new(default, error);
}
