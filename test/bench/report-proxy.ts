import { authServer } from './contenders.ts'
import { type ProxyFigures, type ProxyMeasured, proxyFigures, ratioName } from './proxy-figures.ts'
import { connections, services } from './proxy-scene.ts'

export type ProxyRun = {
  readonly json: boolean
  readonly rounds: number
  readonly requests: number
  /** Contenders that could not be had. */
  readonly missing: readonly string[]
}

export const reportProxy = ({ json, rounds, requests, missing }: ProxyRun, measured: ProxyMeasured): void => {
  const { grants, memory } = measured
  const figures = proxyFigures(measured)
  if (json) {
    const scene = { name: 'proxy', rounds, requests, connections, grants, services, auth_server: authServer }
    process.stdout.write(
      `${JSON.stringify({ ...scene, missing, ...figures, memory: Object.fromEntries(memory) })}\n`,
    )
  } else process.stdout.write(table(figures, missing, grants))
}

const table = (figures: ProxyFigures, missing: readonly string[], grants: number): string => {
  const { cpu_us: cpu, rps, p99_ms: p99, ratios, memory_per_grant_bytes: perGrant } = figures
  const row = (name: string, cells: readonly (number | string | undefined)[]): string =>
    `${name.padEnd(20)}${cells.map((cell) => String(cell ?? '').padStart(12)).join('')}`
  return [
    'medians; the ratio is CPU per request of Pagepass ÷ that of the other',
    row('', ['CPU µs', 'requests/s', 'p99 ms', 'ratio']),
    ...Object.keys(cpu).map((name) =>
      row(name, [cpu[name], rps[name], p99[name], ratios[ratioName(name, grants)]]),
    ),
    ...missing.map((name) => row(name, ['missing'])),
    ...(perGrant === undefined ? [] : [`memory per grant: ${perGrant} bytes`]),
    '',
  ].join('\n')
}
