export interface ChartSeries {
  readonly title: string
  /** A variable of the tokens, such as `--good`. */
  readonly color: string
  /** `null`: nothing was measured then. */
  readonly values: readonly (number | null)[]
  readonly isBar?: boolean
}

export interface ChartProps {
  readonly name: string
  /** Seconds since 1970. */
  readonly times: readonly number[]
  readonly series: readonly ChartSeries[]
  readonly format: (value: number) => string
}
