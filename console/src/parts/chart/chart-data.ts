export interface ChartSeries {
  readonly title: string
  /** A variable of the tokens, such as `--good`. */
  readonly color: string
  /** `null`: nothing was measured then. */
  readonly values: readonly (number | null)[]
  /** Where bars stand on one another, how high this one reaches; by default its value. */
  readonly heights?: readonly (number | null)[]
  readonly isBar?: boolean
  /** Of an earlier time: a thin line behind the others. */
  readonly isEarlier?: boolean
}

/** Something that may have changed what a chart shows. */
export interface ChartMark {
  /** Seconds since 1970. */
  readonly at: number
  readonly title: string
}

export interface ChartProps {
  readonly name: string
  /** Seconds since 1970. */
  readonly times: readonly number[]
  readonly series: readonly ChartSeries[]
  readonly marks: readonly ChartMark[]
  readonly format: (value: number) => string
}
