import 'uplot/dist/uPlot.min.css'
import { type ReactNode, useEffect, useRef } from 'react'
import UPlot from 'uplot'
import { formatTime, viewerZone } from '../../time/format.ts'
import styles from './chart.module.css'
import type { ChartMark, ChartProps } from './chart-data.ts'
import { resolveColor, useThemeVersion } from './colors.ts'

const HEIGHT_PX = 160
const FLAG_PX = 3

/** A time series on a canvas. What it shows is also in the table beside it. */
export default function Chart({ name, times, series, marks, format }: ChartProps): ReactNode {
  const box = useRef<HTMLDivElement>(null)
  const theme = useThemeVersion()
  // biome-ignore lint/correctness/useExhaustiveDependencies: colours of a canvas are fixed when it is drawn.
  useEffect(() => {
    const element = box.current
    if (element === null) return undefined
    const color = (variable: string) => resolveColor(element, variable)
    const plot = new UPlot(
      optionsOf({ name, times, series, marks, format }, { width: element.clientWidth, color }),
      [[...times], ...series.map(({ values, heights = values }) => [...heights])],
      element,
    )
    const resized = new ResizeObserver(() => plot.setSize({ width: element.clientWidth, height: HEIGHT_PX }))
    resized.observe(element)
    return () => {
      resized.disconnect()
      plot.destroy()
    }
  }, [name, times, series, marks, format, theme])
  return <div ref={box} className={styles['canvas']} aria-hidden="true" />
}

const DAY_S = 86_400

/** A day as `11-28`, what is shorter as `14:05`. */
function timeLabel(atS: number, stepS: number): string {
  const text = formatTime(atS * 1_000, { language: 'en', zone: viewerZone() })
  return stepS >= DAY_S ? text.slice(5, 10) : text.slice(11, 16)
}

interface Look {
  readonly width: number
  readonly color: (variable: string) => string
}

function optionsOf({ series, marks, format }: ChartProps, { width, color }: Look): UPlot.Options {
  const axis = {
    stroke: color('--text-muted'),
    grid: { stroke: color('--line'), width: 1 },
    ticks: { show: false },
    font: '11px system-ui',
  }
  const bars = UPlot.paths.bars?.({ size: [0.8, 24], radius: 0.15 })
  const line = UPlot.paths.spline?.()
  return {
    ...{ width, height: HEIGHT_PX, padding: [8, 8, 0, 0] },
    cursor: { y: false, points: { size: 6 } },
    legend: { live: true },
    scales: { y: { range: (_plot, _min, max) => [0, max === null || max <= 0 ? 1 : max * 1.1] } },
    axes: [
      { ...axis, values: (_plot, times) => times.map((at) => timeLabel(at, (times[1] ?? at) - (times[0] ?? at))) },
      { ...axis, size: 64, values: (_plot, values) => values.map((value) => format(value)) },
    ],
    series: [
      { value: (_plot, at) => (at === null ? '' : formatTime(at * 1_000, { language: 'en', zone: viewerZone() }).slice(0, 16)) },
      ...series.map(({ title, color: variable, values, isBar = false, isEarlier = false }) => ({
        label: title,
        ...{ stroke: color(variable), width: isBar ? 0 : isEarlier ? 1 : 1.75, points: { show: false } },
        ...(isEarlier ? { dash: [4, 3] } : {}),
        ...(isBar ? { fill: color(variable), ...(bars === undefined ? {} : { paths: bars }) } : line === undefined ? {} : { paths: line }),
        // Of bars that stand on one another the drawn number is not the value.
        value: ({ cursor }: UPlot) => {
          const value = values[cursor.idx ?? -1]
          return value === null || value === undefined ? '–' : format(value)
        },
      })),
    ],
    hooks: { draw: [(plot) => drawMarks(plot, marks, color('--accent'))] },
  }
}

/** A line from top to bottom with a flag, where something has changed. */
function drawMarks({ ctx, bbox, scales, valToPos }: UPlot, marks: readonly ChartMark[], color: string): void {
  const [from, to] = [scales['x']?.min ?? 0, scales['x']?.max ?? 0]
  ctx.save()
  ctx.strokeStyle = color
  ctx.fillStyle = color
  ctx.lineWidth = devicePixelRatio
  ctx.setLineDash([2 * devicePixelRatio, 3 * devicePixelRatio])
  for (const { at } of marks) {
    if (at < from) continue
    // The last interval is not over: its changes come after its beginning, where the axis ends.
    const x = Math.round(valToPos(Math.min(at, to), 'x', true))
    ctx.beginPath()
    ctx.moveTo(x, bbox.top)
    ctx.lineTo(x, bbox.top + bbox.height)
    ctx.stroke()
    ctx.fillRect(x - FLAG_PX * devicePixelRatio, bbox.top, 2 * FLAG_PX * devicePixelRatio, FLAG_PX * devicePixelRatio)
  }
  ctx.restore()
}
