namespace Hubbub.Storage.Tests;

/// <summary>Memory and processor time are the whole process's: what measures them runs while nothing else does.</summary>
[CollectionDefinition(DisableParallelization = true)]
public sealed class MeasuredAlone;
