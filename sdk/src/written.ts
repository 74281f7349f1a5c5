/** Durations as text: `500ms`, `10m`, `1h30m`, `2d`. */
type TextOf<Value> = Value extends readonly unknown[] ? readonly string[] : Value extends undefined ? undefined : string

/** The same, or with `delay: '2s'` in the place of `delayMs: 2_000`. */
export type Written<Value> = Value extends object
  ?
      | Value
      | {
          [Name in keyof Value as Name extends `${infer Short}Ms` ? Short : Name]: Name extends `${string}Ms`
            ? TextOf<Value[Name]>
            : Value[Name]
        }
  : Value
