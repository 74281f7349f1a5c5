declare const why: unique symbol
/** Names in an error of the compiler what JSON cannot carry, and what to pass instead. No value has this type. */
export interface NotJson<Why extends string> {
  readonly [why]: Why
}

/**
 * `Value`, with a `NotJson` in the place of whatever `writeJson` would refuse or convert. Of types without information (`any`,
 * `unknown`) nothing is known: their values are checked when they are sent.
 */
export type Jsonable<Value> = Checked<Value, never>

/** The same for values that must not be converted: a `Date` is written as text, and arrives as text. */
export type Unchanged<Value> = Checked<Value, Written>

/** What a handler or step may return; one without a result has `null`. */
export type JsonResult<Value> = Value extends void ? Value : Jsonable<Value>

/**
 * What comes back of a value that was written as JSON: what its `toJSON` returns (a `Date` is text), without properties that are undefined, and
 * null for a result that is undefined.
 */
export type Jsonify<Value> = 0 extends 1 & Value
  ? Value
  : unknown extends Value
    ? Value
    : Value extends string | number | boolean | null
      ? Value
      : Value extends void
        ? null
        : Value extends Written<infer Text>
          ? Jsonify<Text>
          : Value extends readonly unknown[]
            ? { [Key in keyof Value]: Jsonify<Value[Key]> }
            : JsonObject<Value>

type Written<Text = unknown> = { toJSON(...args: never): Text }

type Checked<Value, Refused> = 0 extends 1 & Value
  ? Value
  : unknown extends Value
    ? Value
    : Value extends string | number | boolean | null
      ? Value
      : Value extends Refused
        ? NotJson<'it arrives as what its toJSON returns, a Date as text: use a schema of that, such as z.iso.datetime() or z.coerce.date()'>
        : Value extends Written<infer Text>
          ? [Text] extends [Checked<Text, never>]
            ? Value
            : NotJson<'its toJSON returns what is not JSON'>
          : Value extends readonly unknown[]
            ? { [Key in keyof Value]: CheckedEntry<Value[Key], Refused> }
            : Value extends NotPlain
              ? Refusal<Value>
              : { [Key in keyof Value]: CheckedProperty<Value[Key], Refused> }

type NotPlain =
  | bigint
  | symbol
  | undefined
  | ((...args: never) => unknown)
  | ReadonlyMap<unknown, unknown>
  | ReadonlySet<unknown>
  | PromiseLike<unknown>
  | RegExp
  | ArrayBufferLike
  | ArrayBufferView

type Refusal<Value> = Value extends bigint
  ? NotJson<'a bigint is not JSON: pass it as text'>
  : Value extends symbol
    ? NotJson<'a symbol is not JSON: pass text'>
    : Value extends undefined
      ? NotJson<'undefined is not JSON: pass null, or leave it out'>
      : Value extends (...args: never) => unknown
        ? NotJson<'a function is not JSON: pass what it returns'>
        : Value extends ReadonlyMap<unknown, unknown>
          ? NotJson<'a Map is not JSON: pass Object.fromEntries(map)'>
          : Value extends ReadonlySet<unknown>
            ? NotJson<'a Set is not JSON: pass [...set]'>
            : Value extends PromiseLike<unknown>
              ? NotJson<'a promise is not JSON: await it first'>
              : Value extends RegExp
                ? NotJson<'a RegExp is not JSON: pass its source'>
                : NotJson<'binary data is not JSON: pass it as text, such as base64'>

/** In a list `undefined` would become null. */
type CheckedEntry<Value, Refused> = unknown extends Value
  ? Value
  : undefined extends Value
    ? NotJson<'an undefined entry of a list would become null: pass null'>
    : Checked<Value, Refused>

/** A property that may be undefined is one that may be absent. */
type CheckedProperty<Value, Refused> = unknown extends Value
  ? Value
  : [Value] extends [undefined]
    ? Checked<Value, Refused>
    : Checked<Exclude<Value, undefined>, Refused> | Extract<Value, undefined>

type MayBeAbsent<Value> = unknown extends Value ? false : undefined extends Value ? true : false
type JsonObject<Value> = Flat<
  { [Key in keyof Value as MayBeAbsent<Value[Key]> extends true ? never : Exclude<Key, symbol>]: Jsonify<Value[Key]> } & {
    [Key in keyof Value as MayBeAbsent<Value[Key]> extends true ? Exclude<Key, symbol> : never]?: Jsonify<Exclude<Value[Key], undefined>>
  }
>
type Flat<Value> = { [Key in keyof Value]: Value[Key] }
