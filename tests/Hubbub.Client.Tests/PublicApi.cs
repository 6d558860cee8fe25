using System.Reflection;
using System.Runtime.CompilerServices;

namespace Hubbub.Client.Tests;

/// <summary>The public surface of an assembly as sorted lines, one a type or member.</summary>
internal static class PublicApi
{
    private const BindingFlags Declared =
        BindingFlags.Public | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly;

    private static readonly NullabilityInfoContext Nullability = new();

    public static IEnumerable<string> LinesOf(Assembly assembly) => assembly.GetExportedTypes()
        .OrderBy(type => type.FullName, StringComparer.Ordinal)
        .SelectMany(type => MembersOf(type).Order(StringComparer.Ordinal).Prepend(Describe(type)));

    private static string Describe(Type type)
    {
        var kind = type switch
        {
            { IsEnum: true } => "enum",
            { IsInterface: true } => "interface",
            { IsValueType: true } => "struct",
            _ when type.IsSubclassOf(typeof(Delegate)) => "delegate",
            { IsAbstract: true, IsSealed: true } => "static class",
            { IsSealed: true } => "sealed class",
            _ => "class",
        };
        var parents = type.GetInterfaces()
            .Where(each => each.IsPublic && !each.Name.StartsWith("IEquatable", StringComparison.Ordinal)
                && each.Name is not ("ISerializable" or "ICloneable"))
            .Select(Name);
        if (type.BaseType is { } parent && parent != typeof(object) && !type.IsValueType
            && !type.IsSubclassOf(typeof(Delegate)))
            parents = parents.Prepend(Name(parent));
        var list = string.Join(", ", parents.Order(StringComparer.Ordinal));
        return $"{kind} {Name(type)}{(list.Length > 0 ? $" : {list}" : "")}";
    }

    private static IEnumerable<string> MembersOf(Type type)
    {
        if (type.IsEnum)
            return Enum.GetNames(type).Select(name => $"    {name}");
        if (type.IsSubclassOf(typeof(Delegate)))
            return [$"    {Describe(type.GetMethod("Invoke")!)}"];
        return type.GetMembers(Declared)
            .Where(member => !member.IsDefined(typeof(CompilerGeneratedAttribute)) && !IsSynthesized(member))
            .Select(member => member switch
            {
                ConstructorInfo constructor => $"    .ctor({Parameters(constructor)})",
                FieldInfo field => $"    {(field.IsLiteral ? "const" : "static readonly")} {Name(field.FieldType)} {field.Name}",
                PropertyInfo property => $"    {Describe(property)}",
                EventInfo e => $"    event {Name(e.EventHandlerType!)} {e.Name}",
                MethodInfo method => $"    {Describe(method)}",
                _ => $"    {member}",
            });
    }

    // What a record has without anybody having written it.
    private static bool IsSynthesized(MemberInfo member) => member switch
    {
        MethodInfo { IsSpecialName: true } => true,
        MethodInfo method => method.Name is "Equals" or "GetHashCode" or "ToString" or "Deconstruct" or "<Clone>$",
        PropertyInfo property => property.Name == "EqualityContract",
        _ => false,
    };

    private static string Describe(MethodInfo method)
    {
        var name = method.DeclaringType!.IsSubclassOf(typeof(Delegate)) ? "" : $" {method.Name}";
        return $"{(method.IsStatic ? "static " : "")}{Name(method.ReturnType)}{name}({Parameters(method)})";
    }

    private static string Describe(PropertyInfo property)
    {
        var accessors = property.GetMethod is { IsPublic: true } ? "get; " : "";
        if (property.SetMethod is { IsPublic: true } setter)
        {
            var isInit = setter.ReturnParameter.GetRequiredCustomModifiers().Contains(typeof(IsExternalInit));
            accessors += isInit ? "init; " : "set; ";
        }
        var isStatic = (property.GetMethod ?? property.SetMethod)!.IsStatic;
        var mark = Nullability.Create(property).ReadState == NullabilityState.Nullable
            && !property.PropertyType.IsValueType ? "?" : "";
        return $"{(isStatic ? "static " : "")}{Name(property.PropertyType)}{mark} {property.Name} {{ {accessors}}}";
    }

    private static string Parameters(MethodBase method) => string.Join(", ", method.GetParameters().Select(parameter =>
    {
        var mark = Nullability.Create(parameter).WriteState == NullabilityState.Nullable
            && !parameter.ParameterType.IsValueType ? "?" : "";
        var value = parameter.HasDefaultValue ? $" = {parameter.DefaultValue ?? "default"}" : "";
        var direction = parameter.IsOut ? "out " : "";
        return $"{direction}{Name(parameter.ParameterType)}{mark} {parameter.Name}{value}";
    }));

    private static string Name(Type type)
    {
        if (type.IsByRef)
            return Name(type.GetElementType()!);
        if (type.IsArray)
            return $"{Name(type.GetElementType()!)}[]";
        if (Nullable.GetUnderlyingType(type) is { } underlying)
            return $"{Name(underlying)}?";
        if (!type.IsGenericType)
            return type.Name;
        var arguments = string.Join(", ", type.GetGenericArguments().Select(Name));
        return $"{type.Name[..type.Name.IndexOf('`', StringComparison.Ordinal)]}<{arguments}>";
    }
}
