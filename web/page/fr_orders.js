// SPDX-License-Identifier: MIT
// What the daemon answers to an order, in French: a line in English, and ours behind "=".
// {} is what differs, and the first that fits counts. (told.js reads it.)
export default `

# Speed test
{}, down ({} of {})
= {}, réception ({} sur {})
{}, up ({} of {})
= {}, émission ({} sur {})
a speed test is under way already
= une mesure est déjà en cours
there is no uplink that is up; '{}' lists them
= aucun accès n’est en service ; « {} » les montre
there is no uplink '{}' that is up; '{}' lists them
= l’accès « {} » n’est pas en service ; « {} » les montre
there was no speed test yet
= il n’y a pas encore eu de mesure
the speed test ended: {}
= la mesure s’est arrêtée : {}
the concentrator knows no speed test: it is of another version
= le concentrateur ne connaît pas la mesure : il est d’une autre version
the concentrator allows no more of them now: one at a time, and 200 s in ten minutes
= le concentrateur n’en permet plus pour l’instant : une à la fois, et 200 s en dix minutes
there is no session, or it has no room
= il n’y a pas de session, ou elle est pleine
nobody asked for it any more
= plus personne ne la demandait
the session is over
= la session est finie
all together
= tous ensemble

# Orders
{}: its name is missing; allowed: {}
= {} : il manque le nom ; permis : {}
there is no {} '{}', did you mean '{}'? allowed: {}
= il n’y a pas de {} « {} », serait-ce « {} » ? permis : {}
there is no {} '{}'; allowed: {}
= il n’y a pas de {} « {} » ; permis : {}
scheduler for the class
= ordonnanceur de la classe
{} is there twice; allowed: once
= {} est là deux fois ; permis : une fois
'{}' is a word too many; allowed: {}
= « {} » est un mot de trop ; permis : {}
there is no site in the configuration
= il n’y a pas de site dans la configuration
there is no site '{}'; allowed: {}
= il n’y a pas de site « {} » ; permis : {}
there are several sites, name one of them: {}
= il y a plusieurs sites, en nommer un : {}
there is no '{}' here; allowed: {}
= il n’y a pas de « {} » ici ; permis : {}
site {} is not there any more
= le site {} n’est plus là
sections '{}' are not changed here; allowed: {}
= les sections « {} » ne se changent pas ici ; permis : {}
there is no {} '{}' in {}
= il n’y a pas de {} « {} » dans {}
{} {} '{}': that cannot be written; KEY=VALUE is
= {} {} « {} » : cela ne s’écrit pas ; il faut CLÉ=VALEUR
{} '{}': gone, and kept in {}
= {} « {} » : enlevé, et gardé ainsi dans {}
an {} is not taken away, but set {} {} enabled=0
= un {} ne s’enlève pas, mais : set {} {} enabled=0
allowed: {}
= permis : {}
in force
= en vigueur
{} is for the gateway; this is a concentrator
= {} est pour la passerelle ; ceci est un concentrateur
{} is for the concentrator; this is a gateway
= {} est pour le concentrateur ; ceci est une passerelle
an invitation is needed
= il faut une invitation
it takes no more words
= cela ne prend pas d’autres mots
that was not begun
= cela n’a pas commencé
needed: the text, without a blank in it
= il faut le texte, sans espace
this gateway has not joined a concentrator yet
= cette passerelle n’a pas encore rejoint de concentrateur
this is of a build with a page
= ceci est d’une version avec page
there is no '{}'; there are: {}
= il n’y a pas de « {} » ; il y a : {}
there is no '{}'; there are: none yet
= il n’y a pas de « {} » ; il n’y en a encore aucun
none yet
= encore aucun

# The page's server
there is nothing there
= il n’y a rien là
this is from another page
= cela vient d’une autre page
that is not the secret; 'aggctl web' shows it
= ce n’est pas le secret ; « aggctl web » le montre
wrong too often: wait ten seconds
= trop d’essais faux : attendez dix secondes
there is no such question
= cette question n’existe pas
there is no such command
= cette commande n’existe pas
that is too long
= c’est trop long
too many words
= trop de mots
this command takes no words
= cette commande ne prend pas de mots
too many pages are open
= trop de pages sont ouvertes
ask by an address, not by a name
= demandez par une adresse, pas par un nom

# Sites and invitations
too many endpoints; allowed: {}
= trop d’adresses ; permis : {}
'{}' is no endpoint; allowed: an address or a name, and a port: {}
= « {} » n’est pas une adresse du concentrateur ; permis : une adresse ou un nom, et un port :
  {}
--for '{}'; allowed: 1m to 30d, in minutes, hours or days, as {}
= --for « {} » ; permis : 1m à 30d, en minutes, heures ou jours, comme {}
invite takes {}, not '{}'
= invite prend {}, pas « {} »
no device of this host has a public address, so say where gateways reach it: {}
= aucune interface d’ici n’a d’adresse publique : dites où les passerelles la trouvent : {}
there are {} sites already, and no more are allowed
= il y a déjà {} sites, et pas plus n’est permis
{} is broken; remove it: what was invited and has not joined is to be invited again
= {} est abîmé ; l’enlever : qui était invité et n’est pas venu est à inviter de nouveau
{} invitations are open, and no more are allowed; '{}' takes one back
= {} invitations sont ouvertes, et pas plus n’est permis ; « {} » en reprend une
identity in {}: {}; '{}' makes one
= identité dans {} : {} ; « {} » en crée une
the endpoints are too long for an invitation; name fewer
= les adresses sont trop longues pour une invitation ; en donner moins
revoke takes one word: SITE
= revoke prend un mot : SITE
rename takes two words: SITE NEW
= rename prend deux mots : SITE NOUVEAU
there is no site '{}', nor an invitation; '{}' and '{}' list what there is
= il n’y a ni site « {} » ni invitation ; « {} » et « {} » montrent ce qu’il y a
line {} of the configuration has {} '{}': change that first
= la ligne {} de la configuration a {} « {} » : la changer d’abord
a forward to
= une redirection vers
an address of
= une adresse de
there is no site '{}'
= il n’y a pas de site « {} »
aggd may not write it ({})
= aggd n’a pas le droit de l’écrire ({})
it cannot be written: {}
= cela ne peut pas être écrit : {}
letters, digits and '_', up to {} of them
= lettres, chiffres et « _ », jusqu’à {}

# Joining
this is no invitation: {}
= ce n’est pas une invitation : {}
it is of another version of aggd
= elle est d’une autre version d’aggd
a part of it is missing, or a letter is another; copy it whole
= il en manque une partie, ou une lettre est fausse ; la copier en entier
an invitation begins with {}
= une invitation commence par {}
mend that, or move the file away: then a new one is written
= corrigez cela, ou écartez le fichier : un nouveau sera écrit
{} cannot be written: {}; '{}' can
= {} ne peut pas être écrit : {} ; « {} » le peut
{} is a concentrator's; a gateway's configuration is named by {}
= {} est d’un concentrateur ; la configuration d’une passerelle se nomme par {}
'{}' is no device; a name has {} letters at most
= « {} » n’est pas une interface ; un nom a {} lettres au plus
no device has an address and a default route: there is no Internet access here; {} names one
= aucune interface n’a d’adresse ni de route par défaut : il n’y a pas d’Internet ici ; {} en
  nomme une
the keys in {}: {}; it takes root: try again with sudo
= les clés dans {} : {} ; il faut root : réessayer avec sudo
the keys in {}: {}
= les clés dans {} : {}
the name {} has no address here; see that names are resolved ({})
= le nom {} n’a pas d’adresse ici ; vérifiez que les noms se résolvent ({})
what answers there has another key than the invitation says: it is not that concentrator, or was
  set up anew since; nothing was said to it
= ce qui répond là a une autre clé que celle de l’invitation : ce n’est pas ce concentrateur, ou
  il a été refait depuis ; rien ne lui a été dit
the concentrator is unreachable by every uplink:
= le concentrateur est hors d’atteinte par chaque accès :
see that aggd runs there, and that its firewall, and its provider's, let TCP and UDP port {} in
= vérifiez qu’aggd y tourne, et que son pare-feu et celui de son hébergeur laissent entrer le
  port {}, TCP et UDP
by {}: no address of its kind
= par {} : pas d’adresse de ce genre
by {}: {}
= par {} : {}
no answer
= pas de réponse
reached
= atteint
refused: nobody listens there
= refusé : personne n’y écoute
no way there
= aucun chemin n’y mène
another key
= une autre clé
it shows another key
= il montre une autre clé
the devices of this host: {}
= les interfaces de cette machine : {}
LAN: no device with a private address and without a default route was found; {} names one
= LAN : aucune interface avec une adresse privée et sans route par défaut n’a été trouvée ; {}
  en nomme une
LAN: {}, whose connections are taken; not {}
= LAN : {}, dont les connexions sont prises ; pas {}
LAN: {}, whose connections are taken
= LAN : {}, dont les connexions sont prises
{}: is written, with the keys in {}
= {} : sera écrit, avec les clés dans {}
{}: is changed, and what you wrote there stays, with the keys in {}
= {} : sera changé, et ce que vous y avez écrit reste, avec les clés dans {}
the clock of this machine is wrong, or the concentrator's: it is {} here, and {} there
= l’horloge de cette machine est fausse, ou celle du concentrateur : il est {} ici, et {} là-bas
the invitation is wrong: the concentrator knows none like it; '{}' on the concentrator makes
  another
= l’invitation est fausse : le concentrateur n’en connaît pas de telle ; « {} » sur le
  concentrateur en fait une autre
the invitation was used already; each is good once; '{}' on the concentrator makes another
= l’invitation a déjà servi ; chacune sert une fois ; « {} » sur le concentrateur en fait une
  autre
the invitation has expired, {}; '{}' on the concentrator makes another
= l’invitation a expiré le {} ; « {} » sur le concentrateur en fait une autre
the invitation was revoked on the concentrator; '{}' on the concentrator makes another
= l’invitation a été révoquée sur le concentrateur ; « {} » sur le concentrateur en fait une
  autre
this machine is site '{}' there already; '{}' there gives it the other name
= cette machine y est déjà le site « {} » ; « {} » là-bas lui donne l’autre nom
the concentrator could not do it: {}
= le concentrateur n’a pas pu le faire : {}
the concentrator could not write it
= le concentrateur n’a pas pu l’écrire
its key is another site's
= sa clé est celle d’un autre site
{}: {}; the site is made: join again, with the same invitation, once it can be written
= {} : {} ; le site est fait : recommencez, avec la même invitation, quand cela pourra être
  écrit
joined as site '{}'; configuration: {}
= relié comme site « {} » ; configuration : {}
IPv4: the Internet sees you as {}
= IPv4 : l’Internet vous voit comme {}
IPv4: by an address of the concentrator's provider
= IPv4 : par une adresse de l’hébergeur du concentrateur
IPv6: as {}
= IPv6 : comme {}
IPv6: the concentrator has none
= IPv6 : le concentrateur n’en a pas
the session is up; '{}' shows it
= la session est en service ; « {} » la montre
aggd runs, but its session is not up after {} s; '{}' says why
= aggd tourne, mais sa session n’est pas en service après {} s ; « {} » dit pourquoi
nothing was changed
= rien n’a été changé

# Advice
no advice: {}
= pas de conseil : {}
30 objects beside a download, all there after
= 30 objets à côté d’un téléchargement, tous là après
one download
= un téléchargement
what a player shows, stalls taken off
= ce qu’un lecteur montre, moins les arrêts
frames beside a download, 95 % there within
= images à côté d’un téléchargement, 95 % là en
makes more of {}: {} % go by it instead of {} %
= tire plus de {} : {} % y passent au lieu de {} %
spares {}, whose delay is {} times the least: {} % go by it instead of {} %
= ménage {}, au délai {} fois le moindre : {} % y passent au lieu de {} %
waits for {} rather than use {}: {} % go by that instead of {} %
= attend {} plutôt que de prendre {} : {} % y passent au lieu de {} %
{} % come twice, and the earlier copy counts
= {} % viennent deux fois, et la première copie compte
only {} % come twice instead of {} %: the links are free for what is new
= seuls {} % viennent deux fois au lieu de {} % : les liens sont libres pour du nouveau
with the present one it is not done in time
= avec l’actuel ce n’est pas fini à temps
keeps {} for the download: its delay is {} times the least
= garde {} pour le téléchargement : son délai est {} fois le moindre
the links carry the same shares, at better moments
= les liens portent les mêmes parts, à de meilleurs moments
none is done in time
= aucun ne finit à temps
no difference: there is one uplink
= pas de différence : il n’y a qu’un accès
no difference: none gains {} %
= pas de différence : aucun ne gagne {} %
it is not up
= il n’est pas en service
its round-trip time is not measured yet
= son aller-retour n’est pas encore mesuré
it carried no download of late, so its rate is not known
= il n’a porté aucun téléchargement récent, son débit est donc inconnu
there are more uplinks than can be simulated
= il y a plus d’accès que l’on n’en peut simuler
there is no uplink to advise on; run a large download over the aggregate for ten seconds, and
  ask again
= aucun accès à conseiller ; lancez un gros téléchargement pendant dix secondes, et redemandez
the daemon runs {} '{}', which this aggctl does not know: are both of one version?
= aggd utilise {} « {} », que cet aggctl ne connaît pas : sont-ils d’une même version ?
the session is not up yet: how it sends is not known; '{}' says why
= la session n’est pas encore en service : on ne sait pas comment elle envoie ; « {} » dit
  pourquoi
which site? {}, or ask on its gateway; allowed: {}
= quel site ? {}, ou demandez sur sa passerelle ; permis : {}
sites are the concentrator's; here it is '{}' alone
= les sites sont au concentrateur ; ici c’est « {} » seul
the daemon's answer is no JSON object
= la réponse d’aggd n’est pas un objet JSON

# Configuration: what is refused
{} '{}', did you mean '{}'? allowed: {}
= {} « {} », serait-ce « {} » ? permis : {}
{} '{}' is not allowed; allowed: {}
= {} « {} » n’est pas permis ; permis : {}
'{}' has no meaning for this {}; allowed: {}
= « {} » n’a pas de sens pour ce {} ; permis : {}
unknown key '{}', did you mean '{}'? allowed: {}
= clé inconnue « {} », serait-ce « {} » ? permis : {}
unknown key '{}'; allowed: {}
= clé inconnue « {} » ; permis : {}
more than {} values of '{}'
= plus de {} valeurs de « {} »
{} '{}' is there twice
= {} « {} » est là deux fois
'{}' has one value: write 'option', not 'list'
= « {} » a une seule valeur : écrire « option », pas « list »
'{}' is missing: {} {} '...'; allowed: {}
= il manque « {} » : {} {} « ... » ; permis : {}
the default {} '{}' is not there; allowed: {}
= la valeur par défaut {} « {} » n’est pas là ; permis : {}
the section needs a name: config {} 'NAME'
= la section doit avoir un nom : config {} « NOM »
the name '{}' is longer than {} characters
= le nom « {} » a plus de {} caractères
a number, with a point if need be, from {} to {}
= un nombre, à virgule (un point) s’il le faut, de {} à {}
a path that begins with /, of {} to {} bytes
= un chemin qui commence par /, de {} à {} octets
{} of {} to {} bytes
= {} de {} à {} octets
{} from {} to {}
= {} de {} à {}
{} values, {}
= {} valeurs, {}
a number
= un nombre
a word (letters, digits, _ - .)
= un mot (lettres, chiffres, _ - .)
the name of a scheduler
= le nom d’un ordonnanceur
auto, or the name of an order
= auto, ou le nom d’un ordre
the name of a reinjection policy
= le nom d’une réinjection
a path that begins with /, up to {} characters
= un chemin qui commence par /, de {} caractères au plus
1 or 0 (yes or no, on or off, true or false)
= 1 ou 0 (yes ou no, on ou off, true ou false)
a time (us, ms, s, m, h; a bare number is seconds)
= une durée (us, ms, s, m, h ; un nombre seul est en secondes)
bytes (K, M, G or KiB, MiB, GiB)
= des octets (K, M, G ou KiB, MiB, GiB)
bytes of traffic (kB, MB, GB, TB, by 1000)
= des octets de trafic (kB, MB, GB, TB, par 1000)
a number from 0 to 63, CS0..CS7, AF11..AF43, EF or LE
= un nombre de 0 à 63, CS0..CS7, AF11..AF43, EF ou LE
one bit of 32, as {}
= un bit sur 32, comme {}
ADDRESS:PORT, as {} or {} (that port may be left out)
= ADRESSE:PORT, comme {} ou {} (ce port peut manquer)
ADDRESS:PORT, as {} or {}
= ADRESSE:PORT, comme {} ou {}
HOST:PORT, as {} or {} (that port may be left out)
= HÔTE:PORT, comme {} ou {} (ce port peut manquer)
an address block with no bit set behind its length, as {} or {}
= un bloc d’adresses sans bit mis au-delà de sa longueur, comme {} ou {}
a pin: sha256: and 43 characters, as 'aggctl pin' prints it on the other side
= une empreinte : sha256: et 43 caractères, comme l’affiche « aggctl pin » de l’autre côté
the name of a network device, up to {} characters
= le nom d’une interface réseau, de {} caractères au plus
a LAN host's address, as {} or {}, a block of them, as {}, or its card's, as {}
= l’adresse d’un hôte du LAN, comme {} ou {}, un bloc, comme {}, ou celle de sa carte, comme {}
ports from 1 to 65535, as {} or {}, of one protocol, as {} or {}, or all of one: {}
= des ports de 1 à 65535, comme {} ou {}, d’un protocole, comme {} ou {}, ou tout un protocole :
  {}
a name, as {}; those below it, as {}, count too
= un nom, comme {} ; ceux d’en dessous, comme {}, comptent aussi
a control character (byte {}) in a value; printable characters are allowed
= un caractère de contrôle (octet {}) dans une valeur ; seuls les imprimables sont permis
a value is longer than {} bytes
= une valeur a plus de {} octets
a backslash ends the line; a statement is on one line
= une barre oblique inverse finit la ligne ; une instruction tient sur une ligne
the quote {} is not closed on this line
= le guillemet {} n’est pas fermé sur cette ligne
'{}' begins no statement, did you mean '{}'? allowed: {}
= « {} » ne commence aucune instruction, serait-ce « {} » ? permis : {}
'{}' begins no statement; allowed: {}
= « {} » ne commence aucune instruction ; permis : {}
too many words; a value with blanks needs quotes: {} {} '...'
= trop de mots ; une valeur avec espaces veut des guillemets : {} {} « ... »
'config' needs a type: config TYPE ['NAME']
= « config » veut un type : config TYPE [« NOM »]
'{}' is no section name; letters, digits and '_' are allowed
= « {} » n’est pas un nom de section ; permis : lettres, chiffres et « _ »
more than {} sections
= plus de {} sections
more than {} keys in a section
= plus de {} clés dans une section
'{}' before the first 'config'
= « {} » avant le premier « config »
'{}' needs a key and a value: {} KEY 'VALUE'
= « {} » veut une clé et une valeur : {} CLÉ « VALEUR »
'{}' is no key; letters, digits and '_' are allowed
= « {} » n’est pas une clé ; permis : lettres, chiffres et « _ »
'{}' is already given in line {}; only 'list' is repeated
= « {} » est déjà donné à la ligne {} ; seul « list » se répète
'package' needs one name
= « package » veut un nom
'package' comes once, before all sections
= « package » vient une fois, avant toute section
a section '{}' is already in line {}; names differ
= il y a déjà une section « {} » à la ligne {} ; les noms diffèrent
larger than {} KiB
= plus grand que {} KiB
config {} has no meaning for a {}; allowed: {}
= config {} n’a pas de sens pour : {} ; permis : {}
unknown section '{}', did you mean '{}'? allowed: {}
= section inconnue « {} », serait-ce « {} » ? permis : {}
unknown section '{}'; allowed: {}
= section inconnue « {} » ; permis : {}
one section '{}' too many; allowed: {}
= une section « {} » de trop ; permis : {}
no section '{}'; needed: config {} 'main', with option {}
= pas de section « {} » ; il faut : config {} « main », avec option {}
{}: '{}' is missing: option {} '...'; allowed: {}
= {} : il manque « {} » : option {} « ... » ; permis : {}
cannot be read: {}
= ne peut pas être lu : {}
config {} is not for a file of sites; allowed: {}
= config {} n’est pas pour un fichier de sites ; permis : {}
{}: sites '{}': too many files *.conf; allowed: {}
= {} : sites « {} » : trop de fichiers *.conf ; permis : {}
{}: sites '{}': {}; allowed: a directory that can be read
= {} : sites « {} » : {} ; permis : un dossier lisible
site '{}': its name is that of one {}; each has its own
= site « {} » : son nom est celui d’un autre, {} ; à chacun le sien
site '{}': its pin is that {}; each has its own
= site « {} » : son empreinte est celle {} ; à chacun la sienne
of site '{}' {}
= du site « {} » {}
in line {}
= à la ligne {}
in {}
= dans {}
a gateway needs a concentrator: config concentrator 'NAME', with list endpoint and option pin;
  or a page, by which it joins one: list web in config aggd
= une passerelle veut un concentrateur : config concentrator « NOM », avec list endpoint et
  option pin ; ou une page, par laquelle elle en rejoint un : list web dans config aggd
a gateway needs an uplink: config uplink 'NAME', with option device
= une passerelle veut un accès : config uplink « NOM », avec option device
concentrator '{}': nobody can be reached at endpoint '{}'; allowed: the address of a host
= concentrator « {} » : on n’atteint personne à endpoint « {} » ; permis : l’adresse d’un hôte
uplink '{}': where does it leave? needed: option device 'NAME', or, where netifd is, option
  interface 'NAME'
= uplink « {} » : par où sort-il ? il faut : option device « NOM », ou, avec netifd, option
  interface « NOM »
uplink '{}': it has device '{}' and interface '{}'; allowed: one of them
= uplink « {} » : il a device « {} » et interface « {} » ; permis : l’un des deux
uplink '{}': {} '{}' is already uplink '{}' in line {}; each has its own
= uplink « {} » : {} « {} » est déjà uplink « {} » à la ligne {} ; à chacun le sien
uplink '{}': with a section bypass it needs another name, as to '{}' has a meaning
= uplink « {} » : avec une section bypass il lui faut un autre nom, car to « {} » a un sens
lan: {} devices and interfaces; allowed: up to {} in all
= lan : {} interfaces ; permis : {} en tout
lan: {} '{}' is uplink '{}' in line {}; it can be one of them
= lan : {} « {} » est uplink « {} » à la ligne {} ; ce peut être l’un des deux
lan: socks5_user and socks5_password go together; '{}' is missing
= lan : socks5_user et socks5_password vont ensemble ; il manque « {} »
lan: socks5_user without a listener; needed: option socks5 '{}'
= lan : socks5_user sans serveur ; il faut : option socks5 « {} »
lan: socks5 '{}' is no address of this host
= lan : socks5 « {} » n’est pas une adresse de cette machine
lan: socks5 '{}' would serve the whole Internet; needed: an address of the LAN, or socks5_user
  and socks5_password
= lan : socks5 « {} » servirait tout l’Internet ; il faut : une adresse du LAN, ou socks5_user
  et socks5_password
lan: tproxy needs a device; needed: list device 'NAME', or option tproxy '0'
= lan : tproxy veut une interface ; il faut : list device « NOM », ou option tproxy « 0 »
{}: to 'tunnel': it is off; needed: option tunnel '1' in config lan
= {} : to « tunnel » : il est éteint ; il faut : option tunnel « 1 » dans config lan
{}: to '{}': there is no such uplink; allowed: {}
= {} : to « {} » : cet accès n’existe pas ; permis : {}
{}: it says nothing of what shall pass by; needed: list dest, name, host or port
= {} : elle ne dit pas ce qui doit passer à côté ; il faut : list dest, name, host ou port
{}: with list name the section needs a name: config bypass 'NAME'
= {} : avec list name la section doit avoir un nom : config bypass « NOM »
class '{}': there is no such class; allowed: {}
= class « {} » : cette classe n’existe pas ; permis : {}
class '{}': 'after' is an option of class 'bulk' only
= class « {} » : « after » n’est une option que de la classe « bulk »
class '{}': {} {} is in class '{}' in line {}; it can be in one of them
= class « {} » : {} {} est dans la classe « {} » à la ligne {} ; permis : une seule
packets '{}': there is no such class; allowed: {}
= packets « {} » : cette classe n’existe pas ; permis : {}
packets '{}': 'redundant' is an option of packets 'realtime' only
= packets « {} » : « redundant » n’est une option que de packets « realtime »
forward '{}': gateways connect to listen '{}'; needed: another port
= forward « {} » : des passerelles se connectent à listen « {} » ; il faut : un autre port
forward '{}': listen '{}' is taken by forward '{}' in line {}
= forward « {} » : listen « {} » est pris par forward « {} » à la ligne {}
forward '{}': nobody can be reached at to '{}'
= forward « {} » : on n’atteint personne à to « {} »
forward '{}': listen and to are addresses of IPv4 and of IPv6; needed: both of one
= forward « {} » : listen et to sont des adresses IPv4 et IPv6 ; il faut : la même sorte
{} '{}': there is no site '{}'; needed: config site '{}'
= {} « {} » : il n’y a pas de site « {} » ; il faut : config site « {} »
{} '{}': it goes through the packet tunnel, which is off; needed: option tunnel '1' in config
  aggd
= {} « {} » : cela passe par le tunnel de paquets, qui est éteint ; il faut : option tunnel « 1
  » dans config aggd
address '{}': address and to are no two addresses of one family; allowed: as {} and {}
= address « {} » : address et to ne sont pas deux adresses d’une même famille ; permis : comme
  {} et {}
address '{}': nobody can be reached at '{}'
= address « {} » : on n’atteint personne à « {} »
address '{}': gateways connect to '{}'; needed: another address
= address « {} » : des passerelles se connectent à « {} » ; il faut : une autre adresse
address '{}': '{}' is taken by address '{}' in line {}
= address « {} » : « {} » est pris par address « {} » à la ligne {}
site '{}': reach '{}' is no site's network; allowed: /{} or longer of IPv4, /{} or longer of
  IPv6
= site « {} » : reach « {} » n’est pas le réseau d’un site ; permis : /{} ou plus long en IPv4,
  /{} ou plus long en IPv6
site '{}': {} '{}' is in part site '{}''s; needed: networks that differ
= site « {} » : {} « {} » est en partie du site « {} » ; il faut : des réseaux différents
site '{}': reach '{}' goes through the packet tunnel, which is off; needed: option tunnel '1' in
  config aggd
= site « {} » : reach « {} » passe par le tunnel de paquets, qui est éteint ; il faut : option
  tunnel « 1 » dans config aggd
site '{}': prefix '{}'; allowed: a network of IPv6, from /{} to /64
= site « {} » : prefix « {} » ; permis : un réseau IPv6, de /{} à /64
pool '{}'; allowed: a network of IPv4, /8 to /{}
= pool « {} » ; permis : un réseau IPv4, de /8 à /{}
aggd: bypass_mark '{}': there are not {} bits from there on; allowed: up to {}
= aggd : bypass_mark « {} » : il n’y a pas {} bits à partir de là ; permis : jusqu’à {}
aggd: mark '{}' or tunnel_mark '{}' is one of the {} bits of bypass_mark '{}'; needed: another
  one
= aggd : mark « {} » ou tunnel_mark « {} » est l’un des {} bits de bypass_mark « {} » ; il faut
  : un autre
mark and tunnel_mark are both {}; needed: two bits
= mark et tunnel_mark sont tous deux {} ; il faut : deux bits
web '{}' would show the page to the whole Internet; needed: an address of this host's in the
  LAN, or 127.0.0.1
= web « {} » montrerait la page à tout l’Internet ; il faut : une adresse de cette machine dans
  le LAN, ou 127.0.0.1
web_cert and web_key: needed: both, or none
= web_cert et web_key : il faut : les deux, ou aucun
web_cert without web_tls; needed: option web_tls '1'
= web_cert sans web_tls ; il faut : option web_tls « 1 »
the gateway does not begin; the log says why
= la passerelle ne commence pas ; le journal dit pourquoi
there is no concentrator any more, which takes a restart
= il n’y a plus de concentrateur, ce qui demande un redémarrage
'{}' changed, which takes a restart
= « {} » a changé, ce qui demande un redémarrage
control socket {}
= prise de contrôle {}

# The system
{}:{}: {}
= {}:{} : {}
Permission denied
= permission refusée
Operation not permitted
= opération interdite
No such file or directory
= ce fichier n’existe pas
No such device
= cette interface n’existe pas
Read-only file system
= système de fichiers en lecture seule
No space left on device
= plus de place sur le disque
Connection reset by peer
= connexion coupée par l’autre côté
Connection timed out
= délai dépassé
Network is unreachable
= réseau hors d’atteinte
No route to host
= aucune route vers l’hôte
Cannot assign requested address
= cette adresse n’est pas d’ici
Address already in use
= cette adresse est déjà prise
Cannot allocate memory
= plus de mémoire
dead
= mort
suspect
= douteux
tail
= fin
deadline
= échéance
overdue
= en retard

# Names
{} and {}
= {} et {}
`;
