// Shows what has come since, every two seconds, while the page is looked at and nothing in the conversation is focused.
const list = document.querySelector('main ol, main ul')

async function refresh() {
  const main = document.querySelector('main')
  if (document.hidden || main.querySelector(':focus:not(#talk)')) return
  const answer = await fetch(location.href)
  if (!answer.ok) return
  const page = new DOMParser().parseFromString(await answer.text(), 'text/html')
  const fresh = page.querySelector('main ol, main ul')
  // One by one: a screen reader says only what is new.
  if (!list || !fresh) return main.replaceChildren(...page.querySelector('main').childNodes)
  ;[...fresh.children].forEach((item, index) => {
    const old = list.children[index]
    if (!old) list.append(item)
    else if (old.outerHTML !== item.outerHTML) old.replaceWith(item)
  })
  while (list.children.length > fresh.children.length) list.lastElementChild.remove()
}

setInterval(() => refresh().catch(() => {}), 2000)
