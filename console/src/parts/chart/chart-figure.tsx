import { lazy, type ReactNode, Suspense, useState } from 'react'
import { useLanguage } from '../../language/language-context.tsx'
import { formatTime, viewerZone } from '../../time/format.ts'
import { Section } from '../page.tsx'
import { ScrollBox } from '../scroll-box.tsx'
import styles from './chart.module.css'
import type { ChartProps } from './chart-data.ts'

// The drawing library comes with the first chart.
const Chart = lazy(() => import('./chart.tsx'))

/** A chart with a heading, and the same numbers as a table for who cannot see it. */
export function ChartFigure(props: ChartProps): ReactNode {
  const { name, times, series, format } = props
  const { language, messages } = useLanguage()
  const [isTable, setTable] = useState(false)
  const texts = messages.overview.charts
  return (
    <Section
      title={name}
      side={
        <label className={styles['switch']}>
          <input type="checkbox" checked={isTable} onChange={(event) => setTable(event.currentTarget.checked)} /> {texts.table}
        </label>
      }
    >
      {isTable ? (
        <ScrollBox name={name} className={styles['table']}>
          <table>
            <thead>
              <tr>
                <th scope="col">{texts.time}</th>
                {series.map(({ title }) => (
                  <th key={title} scope="col">
                    {title}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {times.map((at, i) => (
                <tr key={at}>
                  <th scope="row">{formatTime(at * 1_000, { language, zone: viewerZone() }).slice(0, 16)}</th>
                  {series.map(({ title, values }) => (
                    <td key={title}>{values[i] === null || values[i] === undefined ? '–' : format(values[i])}</td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </ScrollBox>
      ) : (
        <div className={styles['figure']}>
          <Suspense>
            <Chart {...props} />
          </Suspense>
        </div>
      )}
    </Section>
  )
}
