import { fileURLToPath } from 'node:url'

export type PackageManager = 'apt' | 'brew' | 'dnf' | 'apk'

export interface Machine {
  /** Those there are, whatever their order. */
  managers: readonly PackageManager[]
  isRoot: boolean
  hasSudo: boolean
  /** Somebody can be asked. */
  hasTerminal: boolean
}

export type InstallPlan =
  | { how: 'install' | 'ask'; manager: PackageManager; command: readonly string[]; question: string }
  | { how: 'cannot'; mend: string }

interface Recipe {
  /** What a person would type. */
  byHand: string
  command: readonly [string, ...string[]]
  needsRoot: boolean
}

const aptScript = fileURLToPath(new URL('./install-apt.sh', import.meta.url))

const recipes: Record<PackageManager, Recipe> = {
  apt: {
    byHand: 'apt-get install redis-server',
    command: ['sh', aptScript, 'redis-server'],
    needsRoot: true,
  },
  brew: { byHand: 'brew install redis', command: ['brew', 'install', 'redis'], needsRoot: false },
  dnf: { byHand: 'dnf install redis', command: ['dnf', 'install', '-y', 'redis'], needsRoot: true },
  apk: { byHand: 'apk add redis', command: ['apk', 'add', 'redis'], needsRoot: true },
}

const preferred: readonly PackageManager[] = ['apt', 'brew', 'dnf', 'apk']

/** How to get a redis-server here: with what, and whether by asking first, at once, or not by us. */
export function planInstall({ managers, isRoot, hasSudo, hasTerminal }: Machine): InstallPlan {
  const usable = preferred.filter((manager) => managers.includes(manager))
  const allowed = usable.find((manager) => {
    const { needsRoot } = recipes[manager]
    return isRoot ? manager !== 'brew' : !needsRoot || (hasTerminal && hasSudo) // brew refuses to run as root
  })
  if (allowed === undefined) return { how: 'cannot', mend: mendFor(usable[0], isRoot) }

  const { command, needsRoot } = recipes[allowed]
  const sudo = needsRoot && !isRoot
  return {
    how: hasTerminal ? 'ask' : 'install',
    manager: allowed,
    command: sudo ? ['sudo', ...command] : command,
    question: `No Redis found. Install redis-server with ${allowed}${sudo ? ' (by sudo)' : ''} now?`,
  }
}

export function mendFor(manager: PackageManager | undefined, isRoot: boolean): string {
  const own = 'use a Redis of your own: REDIS_URL=redis://:password@host:6379'
  if (manager === undefined) return `Install redis-server (6.2 or newer) and put it on the PATH, or ${own}`
  const { byHand, needsRoot } = recipes[manager]
  return `Run: ${needsRoot && !isRoot ? 'sudo ' : ''}${byHand}\nOr ${own}`
}
