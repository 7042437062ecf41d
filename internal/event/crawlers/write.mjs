// Writes, from the package crawler-user-agents, its patterns (patterns.txt), its license and the user
// agents that it lists as examples (../testdata/crawlers.txt), one a line each.
import {readFileSync, writeFileSync} from 'node:fs'

const from = new URL('node_modules/crawler-user-agents/', import.meta.url)
const crawlers = JSON.parse(readFileSync(new URL('crawler-user-agents.json', from), 'utf8'))
const write = (name, lines) => {
  if (lines.some(line => /[\r\n]/.test(line))) throw new Error(`${name}: an entry has a line break`)
  writeFileSync(new URL(name, import.meta.url), [...new Set(lines)].join('\n') + '\n')
}
write('patterns.txt', crawlers.map(crawler => crawler.pattern))
write('../testdata/crawlers.txt', crawlers.flatMap(crawler => crawler.instances ?? []))
writeFileSync(new URL('LICENSE', import.meta.url), readFileSync(new URL('LICENSE', from)))
