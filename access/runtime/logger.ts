import { type DestinationStream, type Logger, pino } from 'pino'

export type { Logger } from 'pino'

/** Fields that hold secrets wherever they appear; their values never reach a log. */
const secret = ['authorization', 'cookie', 'token', 'secret', 'password', 'signature', 'statement', 'd']
const paths = secret.flatMap((name) => [name, `*.${name}`, `*.*.${name}`])

/** JSON lines to standard error. `PAGEPASS_LOG_LEVEL` is read by each process's configuration. */
export const createLogger = (name: string, level: string, destination?: DestinationStream): Logger =>
  pino(
    {
      name,
      level,
      redact: { paths, censor: '[secret]' },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    destination ?? pino.destination({ dest: 2, sync: true }),
  )
