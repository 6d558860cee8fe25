namespace Hubbub.Core.Routing.Dispatch;

/// <summary>Makes sinks of some kinds; others are plugged in where the hub is put together.</summary>
public interface IEndpointSinkFactory
{
    /// <summary>True for options that <see cref="Create"/> takes.</summary>
    bool CanCreate(SinkOptions options);

    /// <summary>A sink that has not been opened; touches neither disk nor network.</summary>
    /// <param name="endpointName">For headers, file names and errors.</param>
    /// <param name="options">Valid ones (<see cref="SinkOptions.Validate"/>).</param>
    IEndpointSink Create(string endpointName, SinkOptions options);
}
