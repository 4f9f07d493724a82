@walkthrough
Feature: Five surprises of ingress-nginx
  The Kubernetes blog has warned those who leave ingress-nginx of five behaviours that manifests don't show
  (https://kubernetes.io/blog/2026/02/27/ingress-nginx-before-you-migrate/). A library has run into each of them. The first
  rule shows what ingress-nginx does, which the controller does with --compatibility=ingress-nginx; the second what the
  controller does by default with the same objects. Compare the tables: a row that differs is a request to look for in an
  access log before a migration. docs/compatibility.md has the reasons.

  Background:
    Given a Service "books" with 1 shared echo server
    And a Service "films" with 1 shared echo server

  Rule: With --compatibility=ingress-nginx, the controller surprises as ingress-nginx does

    Background:
      Given an ingress controller with:
        | flag compatibility | ingress-nginx |
      And the objects of "manifests/surprises.yaml"

    Scenario: 1. A regular expression matches the beginning of a path, and ignores case
      # Meant was: the signature of a shelf, which is three upper-case letters.
      When I run "kubectl get ingress shelves -n ${namespace} -o jsonpath='{.spec.rules[0].http.paths[0].path}'"
      Then it prints "/[A-Z]{3}"
      And requests are answered as follows:
        | URL                                  | status | text                 | comment                          |
        | http://shelves.${domain}/ABC         | 200    | server_version=books | as meant                         |
        | http://shelves.${domain}/abc         | 200    | server_version=books | lower case                       |
        | http://shelves.${domain}/abcdefg     | 200    | server_version=books | longer                           |
        | http://shelves.${domain}/aBc/private | 200    | server_version=books | a whole tree below it            |
        | http://shelves.${domain}/ab          | 404    |                      | too short                        |
        | http://shelves.${domain}/x/ABC       | 404    |                      | only beginnings are matched      |

    Scenario: 2. An annotation of one Ingress turns the paths of another into regular expressions
      # The Ingress "search" has use-regex; "loans" has no annotation, and a path of type Exact. They share a host.
      Then requests are answered as follows:
        | URL                                      | status | text                 | comment              |
        | http://library.${domain}/search/v1       | 200    | server_version=films |                      |
        | http://library.${domain}/loans           | 200    | server_version=books | as meant             |
        | http://library.${domain}/LOANS           | 200    | server_version=books | another case         |
        | http://library.${domain}/loans-of-others | 200    | server_version=books | what only begins so  |
        | http://library.${domain}/loans/42        | 200    | server_version=books | and all that follows |

    Scenario: 3. rewrite-target turns paths into regular expressions, too
      # The Ingress "old" has rewrite-target and no use-regex; "tickets" has no annotation.
      Then requests are answered as follows:
        | URL                                      | status | text                 | comment             |
        | http://museum.${domain}/old              | 200    | server_version=films |                     |
        | http://museum.${domain}/OLDER            | 200    | server_version=films | not an element /old |
        | http://museum.${domain}/tickets          | 200    | server_version=books | as meant            |
        | http://museum.${domain}/Tickets-for-free | 200    | server_version=books | of type Exact       |
      When the client requests "http://museum.${domain}/OLDER"
      Then the echo server saw:
        | real path | / |

    Scenario: 4. A rule that ends in a slash redirects requests that lack it
      Then requests are answered as follows:
        | URL                                | status | text                 | comment                     |
        | http://archive.${domain}/maps/1900 | 200    | server_version=books |                             |
        | http://archive.${domain}/maps      | 301    |                      | a prefix                    |
        | http://archive.${domain}/letters/  | 200    | server_version=films |                             |
        | http://archive.${domain}/letters   | 301    |                      | of type Exact, so not meant |
      When the client requests "http://archive.${domain}/maps"
      Then the response has the headers:
        | Location | http://archive.${domain}/maps/ |

    Scenario: 5. Paths are normalised before they are matched, but backends get them as they were sent
      # Two readers of one URL: the controller, which decides by /keys, and the backend, which gets /public/../keys.
      Then requests are answered as follows:
        | URL                                         | status | text                 | comment               |
        | http://vault.${domain}/public/map           | 200    | server_version=films |                       |
        | http://vault.${domain}/public/../keys       | 200    | server_version=books | dot segments          |
        | http://vault.${domain}/public/./x/../../keys | 200    | server_version=books | any number of them    |
        | http://vault.${domain}/public/%2E%2E/keys   | 200    | server_version=books | also percent-encoded  |
        | http://vault.${domain}//keys                | 200    | server_version=books | slashes are merged    |
      When the client requests "http://vault.${domain}/public/../keys"
      Then the echo server saw:
        | real path | /public/../keys |

  Rule: By default, the controller does what the manifests say

    Background:
      Given an ingress controller
      And the objects of "manifests/surprises.yaml"

    Scenario: 1. A regular expression still matches the beginning of a path, and ignores case
      # Expressions were written with that in mind: who ends one with $ has it match whole paths.
      Then requests are answered as follows:
        | URL                                  | status | text                 | comment               |
        | http://shelves.${domain}/ABC         | 200    | server_version=books | as meant              |
        | http://shelves.${domain}/abc         | 200    | server_version=books | as in ingress-nginx   |
        | http://shelves.${domain}/aBc/private | 200    | server_version=books | as in ingress-nginx   |
        | http://shelves.${domain}/ab          | 404    |                      |                       |
        | http://whole.${domain}/ABC           | 200    | server_version=books | the path /[A-Z]{3}$   |
        | http://whole.${domain}/ABC/private   | 404    |                      |                       |

    Scenario: 2. An annotation concerns its own Ingress
      Then requests are answered as follows:
        | URL                                      | status | text                 | comment  |
        | http://library.${domain}/search/v1       | 200    | server_version=films |          |
        | http://library.${domain}/loans           | 200    | server_version=books | as meant |
        | http://library.${domain}/LOANS           | 404    |                      |          |
        | http://library.${domain}/loans-of-others | 404    |                      |          |
        | http://library.${domain}/loans/42        | 404    |                      |          |

    Scenario: 3. rewrite-target leaves prefixes and exact paths as they are
      Then requests are answered as follows:
        | URL                                      | status | text                 | comment  |
        | http://museum.${domain}/old              | 200    | server_version=films |          |
        | http://museum.${domain}/OLDER            | 404    |                      |          |
        | http://museum.${domain}/tickets          | 200    | server_version=books | as meant |
        | http://museum.${domain}/Tickets-for-free | 404    |                      |          |
      When the client requests "http://museum.${domain}/old/masters"
      Then the echo server saw:
        | real path | / |

    Scenario: 4. A prefix with a slash at its end matches without it, and an exact path doesn't
      Then requests are answered as follows:
        | URL                                | status | text                 | comment                      |
        | http://archive.${domain}/maps/1900 | 200    | server_version=books |                              |
        | http://archive.${domain}/maps      | 200    | server_version=books | prefixes consist of elements |
        | http://archive.${domain}/letters/  | 200    | server_version=films |                              |
        | http://archive.${domain}/letters   | 404    |                      | of type Exact                |

    Scenario: 5. Backends get the path that was matched
      Then requests are answered as follows:
        | URL                                       | status | text                 | comment              |
        | http://vault.${domain}/public/map         | 200    | server_version=films |                      |
        | http://vault.${domain}/public/../keys     | 200    | server_version=books | dot segments         |
        | http://vault.${domain}/public/%2E%2E/keys | 200    | server_version=books | also percent-encoded |
        | http://vault.${domain}//keys              | 200    | server_version=books | slashes are merged   |
      When the client requests "http://vault.${domain}/public/../keys"
      Then the echo server saw:
        | real path | /keys |
